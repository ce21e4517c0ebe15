"""Test deliveries, and redelivery."""

import pytest

from classifier.models import WebhookDelivery
from classifier.webhooks.delivery import write_request
from classifier.webhooks.endpoints import redeliver, send_test
from tests.classifier.webhooks.refusals import code_of
from tests.support.threads import run_in_threads
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory


class TestByHand:
    def test_test(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic, events=["review.signed"])
        delivery = send_test(actor=staff.administrator, endpoint=endpoint)
        request = write_request(delivery)
        assert request.event_type == "webhook.test"
        assert b'"submission":null' in request.body

    def test_again_with_the_same_event(self, staff, wake_ups, django_capture_on_commit_callbacks):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic)
        first = WebhookDeliveryFactory(endpoint=endpoint, state="failed")
        with django_capture_on_commit_callbacks(execute=True):
            second = redeliver(actor=staff.administrator, delivery=first)
        assert (second.event, second.endpoint, second.state) == (first.event, endpoint, "waiting")
        assert wake_ups == ["classifier.tasks.deliver_webhooks_task"]
        assert code_of(lambda: redeliver(actor=staff.administrator, delivery=first)) == "still_in_work"

    def test_not_while_it_is_off(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic, off="failing")
        first = WebhookDeliveryFactory(endpoint=endpoint, state="failed")
        assert code_of(lambda: redeliver(actor=staff.administrator, delivery=first)) == "disabled"
        assert code_of(lambda: send_test(actor=staff.administrator, endpoint=endpoint)) == "disabled"

    @pytest.mark.django_db(transaction=True)
    def test_ten_clicks_send_it_once(self, staff):
        first = WebhookDeliveryFactory(endpoint__clinic=staff.clinic, state="failed")
        run_in_threads(10, lambda _: redeliver(actor=staff.administrator, delivery=first))
        assert WebhookDelivery.objects.waiting().count() == 1
