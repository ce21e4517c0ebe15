"""Guessing: of codes, tokens and secrets. Passwords: tests/portal/accounts/test_login_limits.py."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from portal.trust.accounts.models import LoginWait
from portal.trust.audit.models import AuditEvent
from tests.factories import service_account, staff_clinic
from tests.support.oauth import ask_by_itself, register
from tests.support.second_factor import code_of, log_in, recovery_codes_of, set_up_app
from tests.support.threads import run_in_threads

AUTHENTICATE = "/accounts/2fa/authenticate/"


@pytest.fixture
def person(db):
    return staff_clinic().dermatologist


@pytest.fixture
def secret(person):
    return set_up_app(person)


@pytest.fixture
def wait(time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    return lambda seconds: time_machine.shift(dt.timedelta(seconds=seconds))


def come(person, address="203.0.113.1", client=None):
    """As far as the code: the password is known."""
    client = client or Client(REMOTE_ADDR=address)
    log_in(client, person)
    return client


def guess(client, code="000000"):
    client.post(AUTHENTICATE, {"code": code})
    return "_auth_user_id" in client.session


def fail(person, times, start=0):
    """The thief of a password, from another address each time."""
    for n in range(times):
        guess(come(person, f"203.0.113.{start + n}"))


class TestCodes:
    def test_waits_grow(self, person, secret, wait):
        fail(person, 5)
        assert not guess(come(person, "203.0.113.99"), code_of(secret))
        wait(31)
        fail(person, 1, start=50)
        wait(31)
        assert not guess(come(person, "203.0.113.99"), code_of(secret)), "now it is a minute"
        wait(30)
        assert guess(come(person, "203.0.113.99"), code_of(secret))
        waits = AuditEvent.objects.filter(action="user.login_delayed").values_list("details", flat=True)
        assert [one["seconds"] for one in waits if one["limit"] == "account"] == [30, 60]

    def test_right_password_clears_no_wrong_code(self, person, secret, wait):
        """Else every log-in up to the code would begin the count anew."""
        thief = Client(REMOTE_ADDR="203.0.113.1")
        for _ in range(5):
            guess(come(person, client=thief))
        assert not guess(come(person, client=thief), code_of(secret))

    def test_recovery_codes_wait_with_them(self, person, secret, wait):
        fail(person, 5)
        [code, *_] = recovery_codes_of(person)
        assert not guess(come(person, "203.0.113.99"), code)
        assert code in recovery_codes_of(person), "a refused try spends none"

    def test_colleague_is_not_kept_out(self, person, secret, wait):
        """Their own browser counts for itself, behind the same address too."""
        mine = come(person, "198.51.100.1")
        assert guess(mine, code_of(secret))
        mine.post("/accounts/logout/")
        wait(120)
        fail(person, 12)
        for _ in range(12):
            guess(come(person, "198.51.100.1"))
        assert guess(come(person, client=mine), code_of(secret))

    def test_colleague_signs_on(self, person, secret, wait, settings):
        """Nor from confirming who they are, in the session that they have."""
        settings.DERMAPORT_STEP_UP_MINUTES = 10
        mine = come(person, "198.51.100.1")
        assert guess(mine, code_of(secret))
        wait(11 * 60)
        fail(person, 12)
        sent = {
            "name": "Tablet",
            "scopes": ["submissions:read"],
            "days": "30",
            "step_up_code": code_of(secret),
        }
        assert mine.post(reverse("tokens"), sent).status_code == 200
        assert AuthToken.objects.filter(user=person).count() == 1

    @pytest.mark.parametrize("after", [0, 31, 59])
    def test_seen_code_is_spent(self, person, secret, wait, after):
        """For as long as it would be right: phones' clocks may be a step early or late."""
        code = code_of(secret, steps=1)
        assert guess(come(person), code)
        wait(after)
        assert not guess(come(person, "203.0.113.2"), code)

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_do_not_slip_through(self, person, secret):
        clients = [come(person, f"203.0.113.{n}") for n in range(12)]
        run_in_threads(12, lambda n: guess(clients[n]))
        failures = AuditEvent.objects.filter(action="user.mfa_failed").count()
        assert failures == 5

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("kind", ["app", "recovery"])
    def test_one_code_opens_once(self, person, secret, kind):
        code = code_of(secret) if kind == "app" else recovery_codes_of(person)[0]
        clients = [come(person, f"203.0.113.{n}") for n in range(4)]
        assert run_in_threads(4, lambda n: guess(clients[n], code)).count(True) == 1


def test_refused_code_says_to_wait(client, person, secret, wait, settings):
    fail(person, 5)
    page = come(person, "203.0.113.99").post(AUTHENTICATE, {"code": code_of(secret)}).content.decode()
    assert "Too many failed codes" in page


def test_guessed_tokens_open_nothing_and_keep_nobody_out(client, person):
    _, text = AuthToken.objects.create(user=person)
    last = "1" if text.endswith("0") else "0"
    for guessed in [text[:-1] + last, text[:-1], text + "0", text.swapcase(), "dp_", "0" * 64] * 5:
        answer = client.get("/api/v1/me/", headers={"Authorization": f"Bearer {guessed}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert client.get("/api/v1/me/", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    refused = AuditEvent.objects.filter(action="token.refused")
    assert refused.count() == 1, "a flood leaves one event an hour, not one a guess"


def test_guessed_client_secrets(db):
    """By address alone: who knows the client's id can't shut the client out."""
    cache.clear()
    staff = staff_clinic()
    system = register(staff, "system", service=service_account(staff.clinic))
    answers = [ask_by_itself(system, client_secret=f"dps_guess{n}").status_code for n in range(62)]
    assert set(answers[:60]) == {401}
    assert answers[-1] == 429
    away = Client(REMOTE_ADDR="198.51.100.7")
    sent = {"grant_type": "client_credentials", "client_secret": system.secret}
    answer = away.post("/oauth/token/", {**sent, "client_id": system.application.client_id})
    assert answer.status_code == 200


def test_password_for_a_token_counts_as_a_log_in(db):
    person = staff_clinic().integration
    sent = {"email": person.email, "password": "a wrong password"}
    for n in range(5):
        Client(REMOTE_ADDR=f"203.0.113.{n}").post("/api/v1/token/", sent, content_type="application/json")
    page = log_in(Client(REMOTE_ADDR="203.0.113.99"), person)
    assert "Too many failed" in page.content.decode()
    assert LoginWait.objects.filter(failures=5).exists()
