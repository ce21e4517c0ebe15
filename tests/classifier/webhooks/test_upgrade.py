"""A database from before Standard Webhooks: its endpoints go on as they were until their secret is changed."""

import hashlib
import hmac

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from standardwebhooks import Webhook

from classifier import client
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.webhooks.delivery import deliver_due
from classifier.webhooks.endpoints import rotate_secret, send_test
from classifier.webhooks.signing import seal
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.support.webhooks import FORMER_SECRET, WebhookEndpointFactory

THIS = ("classifier", "0021_webhook_signature")


@pytest.fixture
def before():
    """The models of the version before; the newest schema is back after the test whatever happens."""
    executor = MigrationExecutor(connection)
    newest = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "classifier"]
    [parent] = executor.loader.get_migration(*THIS).dependencies
    executor.migrate([parent])
    yield executor.loader.project_state([parent]).apps, lambda: MigrationExecutor(connection).migrate(newest)
    MigrationExecutor(connection).migrate(newest)


def is_signed_formerly(received):
    """As a receiver of that time checks it, by nothing of today's code."""
    header = dict(part.split("=") for part in received.headers["dermaport-signature"].split(","))
    signed = header["t"].encode() + b"." + received.body
    expected = hmac.new(FORMER_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(header["v1"], expected)


@pytest.mark.django_db(transaction=True)
def test_endpoints_go_on_until_their_secret_is_changed(staff, before, receiver):
    apps, upgrade = before
    now = timezone.now()
    endpoint = apps.get_model("classifier", "WebhookEndpoint").objects.create(
        clinic_id=staff.clinic.pk,
        url=receiver.url,
        events=["review.signed"],
        sealed_secret=seal(FORMER_SECRET),
        created_by_id=staff.administrator.pk,
        created_at=now,
    )
    event = apps.get_model("classifier", "WebhookEvent").objects.create(
        clinic_id=staff.clinic.pk, type="review.signed", created_at=now
    )
    waiting = apps.get_model("classifier", "WebhookDelivery").objects.create(
        event=event, endpoint=endpoint, created_at=now, next_attempt_at=now
    )
    record_event(
        clinic_id=staff.clinic.pk,
        action="webhook.created",
        actor=staff.administrator,
        obj=WebhookEndpoint(pk=endpoint.pk),
    )
    audit_log = list(AuditEvent.objects.order_by("pk").values_list("pk", "hash"))

    upgrade()

    # Nothing is lost, and what waited is delivered as its receiver knows it.
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", "hash")) == audit_log
    assert list(verify_chains()) == []
    found = WebhookEndpoint.objects.get()
    assert (found.pk, found.sealed_secret) == (endpoint.pk, endpoint.sealed_secret)
    assert WebhookEvent.objects.get().pk == event.pk
    assert deliver_due(budget_seconds=5) == 1
    assert WebhookDelivery.objects.get(pk=waiting.pk).state == "delivered"
    [first] = receiver.requests
    assert is_signed_formerly(first)
    assert "webhook-signature" not in first.headers

    # A new secret signs by the specification; for some hours the former one signs beside it.
    secret = rotate_secret(actor=staff.administrator, endpoint=found).secret
    send_test(actor=staff.administrator, endpoint=found)
    assert deliver_due(budget_seconds=5) == 1
    second = receiver.requests[1]
    assert Webhook(secret).verify(second.body, second.headers)["type"] == "webhook.test"
    assert client.is_genuine(secret, second.headers, second.body)
    assert is_signed_formerly(second)
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    send_test(actor=staff.administrator, endpoint=found)
    assert deliver_due(budget_seconds=5) == 1
    third = receiver.requests[2]
    assert Webhook(secret).verify(third.body, third.headers)
    assert "dermaport-signature" not in third.headers

    # What is set up from now on follows the specification.
    assert WebhookEndpointFactory().signature_scheme == "standard"
