"""A receiver that fails for hours, and for days."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhooks.delivery import finish_delivery
from classifier.webhooks.transport import DeliveryResult
from portal.trust.audit.models import AuditEvent
from tests.classifier.webhooks.rows import DAY, FAILED, add, claim, fail_until
from tests.support.webhooks import WebhookEndpointFactory


@pytest.mark.django_db
class TestOutages:
    def test_tried_for_about_a_day(self):
        [row] = add(WebhookEndpointFactory())
        tries = fail_until(timezone.now() + 3 * DAY)
        row.refresh_from_db()
        assert (row.state, row.error_code, row.attempt) == ("failed", "status_refused", tries)
        assert 15 <= tries <= 30
        assert DAY <= row.finished_at - row.created_at <= DAY + dt.timedelta(hours=3)

    def test_switched_off_after_days(self, staff):
        endpoint = WebhookEndpointFactory(clinic=staff.clinic)
        started = timezone.now()
        for day in range(3):
            with time_machine.travel(started + day * DAY, tick=False):
                add(endpoint, 2)
                fail_until(started + (day + 1) * DAY)
            assert WebhookEndpoint.objects.get().is_active
        with time_machine.travel(started + 3.2 * DAY, tick=False):
            add(endpoint, 5)
            finish_delivery(row=claim()[0], result=FAILED)
        endpoint.refresh_from_db()
        assert (endpoint.is_active, endpoint.disabled_reason) == (False, "failing")
        assert not WebhookDelivery.objects.waiting().exists()
        event = AuditEvent.objects.get(action="webhook.disabled")
        assert (event.actor, event.details["code"]) == (None, "failing")

    def test_one_success_begins_anew(self):
        endpoint = WebhookEndpointFactory(failing_since=timezone.now() - 10 * DAY)
        add(endpoint, 2)
        first, second = claim()
        finish_delivery(row=first, result=DeliveryResult("", 200))
        finish_delivery(row=second, result=FAILED)
        endpoint.refresh_from_db()
        assert endpoint.is_active
        assert timezone.now() - endpoint.failing_since < DAY
