"""Secrets: shown once, encrypted at rest, changed without a gap."""

import datetime as dt
import logging

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from classifier.models import WebhookEndpoint
from classifier.services.webhook_secrets import LostSecretError, read_secrets, seal, unseal
from classifier.services.webhook_switching import remove_endpoint
from classifier.services.webhooks import rotate_secret
from portal.audit.models import AuditEvent
from tests.classifier.webhooks.endpoints import create


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
