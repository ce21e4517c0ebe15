"""The status page says when deliveries don't leave."""

import datetime as dt

import pytest
from django.utils import timezone

from portal.operations.health.heartbeat import record_heartbeat, workers_seen
from portal.operations.health.webhooks import probe_webhooks
from tests.support.webhooks import WebhookDeliveryFactory, WebhookEndpointFactory

pytestmark = pytest.mark.django_db


def test_late_deliveries():
    endpoint, late = WebhookEndpointFactory(), timezone.now() - dt.timedelta(minutes=6)
    WebhookDeliveryFactory(endpoint=endpoint)
    WebhookDeliveryFactory(endpoint=endpoint, created_at=late, state="delivered")
    assert probe_webhooks().ok
    WebhookDeliveryFactory(endpoint=endpoint, created_at=late)
    assert "five minutes ago: 1." in probe_webhooks().sentence


def test_sender_is_no_worker_of_predictions():
    record_heartbeat("sender@machine")
    record_heartbeat("courier@older-unit")
    assert workers_seen() == []
