"""Secrets: shown once, encrypted at rest, changed without a gap."""

import datetime as dt
import logging

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from classifier.models import WebhookEndpoint
from classifier.webhooks.endpoints import remove_endpoint, rotate_secret, update_endpoint
from classifier.webhooks.signing import LostSecretError, read_secrets, read_signer, seal, unseal
from portal.trust.audit.models import AuditEvent
from tests.classifier.webhooks.endpoints import create
from tests.support.webhooks import FORMER_SECRET, WebhookEndpointFactory

STANDARD = {"webhook-id", "webhook-timestamp", "webhook-signature"}


def sign(endpoint):
    """The names of the headers that sign for `endpoint` now."""
    return {name for name, _ in read_signer(endpoint).sign(b"{}", event_id="1", timestamp=1)}


@pytest.mark.usefixtures("names")
class TestSecrets:
    def test_encrypted_at_rest_and_out_of_sight(self, staff, caplog):
        with caplog.at_level(logging.DEBUG):
            issued = create(staff)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM classifier_webhookendpoint")
            stored = str(cursor.fetchall())
        assert issued.secret not in stored
        assert issued.secret not in repr(issued)
        assert issued.secret not in caplog.text
        assert issued.secret not in str(list(AuditEvent.objects.values()))

    def test_rotation_signs_with_both_for_a_while(self, staff):
        issued = create(staff)
        new = rotate_secret(actor=staff.administrator, endpoint=issued.endpoint)
        assert read_secrets(new.endpoint) == (new.secret, issued.secret)
        with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
            assert read_secrets(WebhookEndpoint.objects.get()) == (new.secret,)

    def test_former_signature_goes_on_until_the_secret_is_changed(self, staff):
        endpoint = WebhookEndpointFactory(
            clinic=staff.clinic, sealed_secret=seal(FORMER_SECRET), signature_scheme="former"
        )
        assert sign(endpoint) == {"Dermaport-Signature"}
        update_endpoint(actor=staff.administrator, endpoint=endpoint, description="The EHR")
        assert sign(WebhookEndpoint.objects.get()) == {"Dermaport-Signature"}
        rotate_secret(actor=staff.administrator, endpoint=endpoint)
        assert sign(WebhookEndpoint.objects.get()) == STANDARD | {"Dermaport-Signature"}
        with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
            assert sign(WebhookEndpoint.objects.get()) == STANDARD
        rotate_secret(actor=staff.administrator, endpoint=endpoint)
        assert sign(WebhookEndpoint.objects.get()) == STANDARD

    def test_keys_of_the_site_are_changed(self, settings):
        sealed = seal("whsec_word")
        (former,) = settings.DERMAPORT_ENCRYPTION_KEYS
        settings.DERMAPORT_ENCRYPTION_KEYS = ["n" * 40]
        with pytest.raises(LostSecretError):
            unseal(sealed)
        settings.DERMAPORT_ENCRYPTION_KEYS = ["n" * 40, former]
        assert unseal(sealed) == "whsec_word"

    def test_forgotten_when_removed(self, staff):
        endpoint = create(staff).endpoint
        rotate_secret(actor=staff.administrator, endpoint=endpoint)
        remove_endpoint(actor=staff.administrator, endpoint=endpoint)
        endpoint.refresh_from_db()
        assert (endpoint.sealed_secret, endpoint.sealed_previous) == ("", "")
