"""What was left behind comes back."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEvent
from classifier.webhooks.delivery import delivery_claims, reconcile_webhooks
from tests.classifier.webhooks.rows import DAY, add, claim
from tests.support.webhooks import WebhookEndpointFactory


@pytest.mark.django_db
class TestReconciling:
    def test_expired_lease(self, wake_ups):
        [row] = add(WebhookEndpointFactory())
        claim()
        assert reconcile_webhooks() == 0
        with time_machine.travel(timezone.now() + dt.timedelta(hours=1)):
            assert reconcile_webhooks() == 1
            row.refresh_from_db()
            assert (row.state, row.error_code, row.attempt) == ("waiting", "interrupted", 1)
        assert wake_ups

    def test_interrupted_for_ever_is_given_up(self):
        [row] = add(WebhookEndpointFactory(), created_at=timezone.now() - 2 * DAY)
        claim()
        delivery_claims.give_back(WebhookDelivery.objects.all(), reason="test")
        row.refresh_from_db()
        assert (row.state, row.error_code) == ("failed", "interrupted")

    def test_delivery_written_while_it_was_switched_off(self):
        [row] = add(WebhookEndpointFactory(off="by_person"))
        reconcile_webhooks()
        row.refresh_from_db()
        assert row.state == "cancelled"

    def test_log_is_kept_for_a_month(self):
        endpoint = WebhookEndpointFactory()
        now = timezone.now()
        old = add(endpoint, created_at=now - 31 * DAY, state="delivered")
        unfinished = add(endpoint, created_at=now - 31 * DAY)
        sent_again = add(endpoint, created_at=now - 31 * DAY, state="failed")
        add(endpoint, event=sent_again[0].event, state="delivered")
        recent = add(endpoint, created_at=now - 29 * DAY, state="delivered")
        reconcile_webhooks()
        kept = {row.event_id for row in (*unfinished, *sent_again, *recent)}
        assert set(WebhookEvent.objects.values_list("pk", flat=True)) == kept
        assert not WebhookDelivery.objects.filter(pk=old[0].pk).exists()

    def test_no_wake_up_without_work(self, wake_ups):
        add(WebhookEndpointFactory(), state="delivered")
        reconcile_webhooks()
        assert wake_ups == []
