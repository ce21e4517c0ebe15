"""Authenticator app and recovery codes: set up, asked for at log-in, sealed in the database."""

import datetime as dt
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, staff_clinic
from tests.support.second_factor import code_of, log_in, recovery_codes_of, set_up_app

pytestmark = pytest.mark.django_db
TOTP = "/accounts/2fa/totp/activate/"
AUTHENTICATE = "/accounts/2fa/authenticate/"


@pytest.fixture
def person():
    return staff_clinic().dermatologist


def is_logged_in(client):
    return "_auth_user_id" in client.session


def actions():
    return list(AuditEvent.objects.order_by("position").values_list("action", flat=True))


# With real commits: allauth announces a factor after one, and the session gets another key then.
@pytest.mark.django_db(transaction=True)
def test_app_is_set_up_from_picture_or_text(client, person):
    log_in(client, person)
    page = client.get(TOTP)
    secret = page.context["form"].secret
    text = page.content.decode()
    assert f">{secret}</code>" in text
    assert "<svg" in text
    assert "data:image" not in text, "the content security policy would refuse it"

    answer = client.post(TOTP, {"code": code_of(secret)})

    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    codes = client.get(answer["Location"]).content.decode()
    assert all(code in codes for code in recovery_codes_of(person))
    assert actions().count("user.mfa_added") == 2
    assert mail.outbox[0].to == [person.email]
    assert "authenticator app was set up" in mail.outbox[0].subject


def test_wrong_code_sets_nothing_up(client, person):
    log_in(client, person)
    client.get(TOTP)

    page = client.post(TOTP, {"code": "000000"})

    assert "Incorrect code" in page.content.decode()
    assert not Authenticator.objects.exists()


def test_secrets_are_sealed_in_the_database(person):
    secret = set_up_app(person)
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))
    assert recovery_codes_of(person)[0] not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_site_key_can_be_changed(client, person, settings):
    secret = set_up_app(person)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-the-site-" * 3
    log_in(client, person)
    client.post(AUTHENTICATE, {"code": code_of(secret)})
    assert is_logged_in(client)


def test_log_in_asks_for_the_code(client, person):
    secret = set_up_app(person)

    assert log_in(client, person)["Location"] == AUTHENTICATE
    assert not is_logged_in(client)
    assert client.get("/submissions/").status_code == 302
    assert client.post(AUTHENTICATE, {"code": "000000"}).status_code == 200
    assert not is_logged_in(client)
    assert client.post(AUTHENTICATE, {"code": code_of(secret)})["Location"] == "/"

    assert is_logged_in(client)
    assert "user.mfa_failed" in actions()
    assert actions().count("user.logged_in") == 1


def test_code_works_once(client, person):
    secret = set_up_app(person)
    for expected in (True, False):
        client = Client()
        log_in(client, person)
        client.post(AUTHENTICATE, {"code": code_of(secret)})
        assert is_logged_in(client) is expected


def test_codes_cannot_be_guessed_at_leisure(client, person):
    secret = set_up_app(person)
    log_in(client, person)
    for _ in range(5):
        client.post(AUTHENTICATE, {"code": "000000"})
    page = client.post(AUTHENTICATE, {"code": code_of(secret)})
    assert "Too many failed" in page.content.decode()
    assert not is_logged_in(client)


def test_recovery_code_opens_once(client, person):
    set_up_app(person)
    code = recovery_codes_of(person)[0]
    for expected in (True, False):
        client = Client()
        log_in(client, person)
        client.post(AUTHENTICATE, {"code": code})
        assert is_logged_in(client) is expected
    assert len(recovery_codes_of(person)) == 9


def test_recovery_codes_are_downloaded_and_renewed(client, person):
    secret = set_up_app(person)
    log_in(client, person)
    client.post(AUTHENTICATE, {"code": code_of(secret)})
    before = recovery_codes_of(person)

    file = client.get("/accounts/2fa/recovery-codes/download/")
    client.post("/accounts/2fa/recovery-codes/generate/")

    assert file["Content-Disposition"].startswith("attachment")
    assert "no-store" in file["Cache-Control"]
    assert file.content.decode().split() == before
    assert set(before).isdisjoint(recovery_codes_of(person))


def test_new_factor_needs_a_log_in_of_a_moment_ago(client, person, time_machine):
    log_in(client, person)
    time_machine.move_to(timezone.now() + dt.timedelta(minutes=11))
    answer = client.get(TOTP)
    assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    wrong = client.post(answer["Location"], {"password": "a wrong password"})
    assert wrong.status_code == 200
    assert client.post(answer["Location"], {"password": PASSWORD})["Location"] == TOTP
    assert client.get(TOTP).status_code == 200


def test_policy_of_the_pages_stays_strict(client, person):
    log_in(client, person)
    for address in (TOTP, "/accounts/2fa/webauthn/add/", "/accounts/2fa/", "/accounts/login/"):
        answer = client.get(address)
        assert "unsafe" not in answer["Content-Security-Policy"]
        for script in re.findall(r"<script[^>]*>", answer.content.decode()):
            assert "src=" in script or 'type="application/json"' in script
