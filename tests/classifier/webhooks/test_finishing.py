"""What came of a try is written once, by whoever holds the claim."""

import pytest
from django.utils import timezone

from classifier.models import WebhookEndpoint
from classifier.webhooks.delivery import choose_delay, finish_delivery
from classifier.webhooks.endpoints import set_endpoint_active
from classifier.webhooks.transport import DeliveryResult
from tests.classifier.webhooks.rows import FAILED, add, claim
from tests.support.webhooks import WebhookEndpointFactory


@pytest.mark.django_db
class TestFinish:
    def test_delivered(self):
        endpoint = WebhookEndpointFactory(failing_since=timezone.now())
        add(endpoint)
        [row] = claim()
        assert finish_delivery(row=row, result=DeliveryResult("", 204, "ok", 12))
        row.refresh_from_db()
        endpoint.refresh_from_db()
        assert (row.state, row.status_code, row.answer, row.milliseconds) == ("delivered", 204, "ok", 12)
        assert endpoint.failing_since is None

    def test_tried_again_later(self):
        [row] = add(WebhookEndpointFactory())
        [claimed] = claim()
        finish_delivery(row=claimed, result=FAILED)
        row.refresh_from_db()
        assert (row.state, row.error_code, row.claim, row.attempt) == ("waiting", "status_refused", None, 1)
        assert 10 < (row.next_attempt_at - timezone.now()).total_seconds() < 20
        assert WebhookEndpoint.objects.get().failing_since is not None

    def test_switched_off_meanwhile(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic)
        add(endpoint)
        [row] = claim()
        set_endpoint_active(actor=staff.administrator, endpoint=endpoint, is_active=False)
        finish_delivery(row=row, result=FAILED)
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("cancelled", "status_refused")

    def test_a_test_is_tried_once_and_says_nothing_of_the_endpoint(self):
        endpoint = WebhookEndpointFactory()
        [row] = add(endpoint)
        row.event.type = "webhook.test"
        row.event.save()
        finish_delivery(row=claim()[0], result=FAILED)
        row.refresh_from_db()
        endpoint.refresh_from_db()
        assert (row.state, endpoint.failing_since) == ("failed", None)


def test_back_off_doubles_up_to_two_hours_with_jitter():
    seconds = [[choose_delay(attempt).total_seconds() for _ in range(50)] for attempt in range(1, 40)]
    for attempt, drawn in enumerate(seconds, 1):
        middle = min(15 * 2 ** (attempt - 1), 7200)
        assert middle * 0.8 <= min(drawn) < max(drawn) <= middle * 1.2
    assert len(set(seconds[0])) > 10
