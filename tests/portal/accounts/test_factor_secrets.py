"""Secrets of second factors: sealed, readable as they were sealed formerly, and brought under a new key."""

import base64
import hashlib
import json

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from classifier.models import WebhookEndpoint
from classifier.webhooks.signing import read_secrets, seal
from portal.trust.accounts.second_factor import secrets
from tests.factories import UserFactory
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
NEW_KEY = "another-long-secret-key-for-this-test"


def seal_formerly(secret, key):
    digest = hashlib.sha256(b"dermaport.mfa:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest)).encrypt(secret.encode()).decode()


@pytest.fixture
def app_row(settings):
    data = {"secret": seal_formerly(SECRET, settings.SECRET_KEY)}
    return Authenticator.objects.create(user=UserFactory(), type="totp", data=data)


def read(row):
    row.refresh_from_db()
    return secrets.unseal(row.data["secret"])


def change_key(settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY


def test_what_was_sealed_formerly_is_read(app_row):
    assert read(app_row) == SECRET
    assert SECRET not in json.dumps(app_row.data)


def test_everything_comes_under_the_new_key(settings, app_row, capsys):
    codes = type(Authenticator(type="recovery_codes").wrap()).activate(app_row.user)
    known = codes.generate_codes()
    webhook = WebhookEndpointFactory(sealed_secret=seal("whsec_one"))
    settings.DERMAPORT_ENCRYPTION_KEYS = [NEW_KEY, *settings.DERMAPORT_ENCRYPTION_KEYS]
    change_key(settings)
    call_command("rotate_encryption")
    said = capsys.readouterr().out
    assert "second factors: 2 sealed anew" in said
    assert "webhooks: 1 sealed anew" in said
    settings.SECRET_KEY_FALLBACKS, settings.DERMAPORT_ENCRYPTION_KEYS = [], [NEW_KEY]
    assert read(app_row) == SECRET
    codes.instance.refresh_from_db()
    assert codes.generate_codes() == known
    assert read_secrets(WebhookEndpoint.objects.get(pk=webhook.pk)) == ("whsec_one",)
    call_command("rotate_encryption")
    assert "second factors: 0 sealed anew" in capsys.readouterr().out


def test_missing_key_is_named(settings, app_row):
    settings.SECRET_KEY = NEW_KEY
    with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
        call_command("rotate_encryption")
