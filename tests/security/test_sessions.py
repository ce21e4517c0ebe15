"""Session fixation and theft: a session's key is the portal's own, and changes with what it may do."""

from __future__ import annotations

import datetime as dt

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as site_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from portal.trust.accounts.sessions.sessions import renew_key
from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, SubmissionFactory, staff_clinic
from tests.support.second_factor import code_of, log_in, set_up_app

pytestmark = pytest.mark.django_db
COOKIE = site_settings.SESSION_COOKIE_NAME
NEW = "another-long-secret-phrase"
TOKEN = {"name": "Tablet", "scopes": ["submissions:read"], "days": "30"}


@pytest.fixture
def person():
    return staff_clinic().dermatologist


def key_of(client):
    cookie = client.cookies.get(COOKIE)
    return cookie.value if cookie else None


def is_in(client):
    return client.get("/submissions/").status_code == 200


def with_key(key):
    client = Client()
    client.cookies[COOKIE] = key
    return client


def plant(**data):
    """A session of the attacker's own, whose key they put into somebody's browser."""
    store = SessionStore()
    store.update({"invitation": ["x", "y"], **data})
    store.create()
    return store.session_key


@pytest.mark.parametrize("key", ["a" * 32, "x", "a" * 500, "../../etc/passwd", ""])
def test_made_up_key_is_not_adopted(person, key):
    client = with_key(key)
    log_in(client, person)
    assert is_in(client)
    assert key_of(client) != key
    assert not Session.objects.filter(session_key=key).exists()


def test_planted_session_does_not_become_the_persons(person):
    planted = plant(theme="dark")
    victim = with_key(planted)
    log_in(victim, person)
    assert is_in(victim)
    assert not is_in(with_key(planted))
    assert not Session.objects.filter(session_key=planted).exists()


def test_planted_session_of_the_attackers_own_log_in(person):
    """The person logs in over it: nothing of the attacker stays, and the attacker gets nothing."""
    attacker = Client()
    log_in(attacker, staff_clinic().clinician)
    victim = with_key(key_of(attacker))
    victim.post("/accounts/logout/")
    log_in(victim, person)
    assert is_in(victim)
    assert not is_in(attacker)
    assert victim.session["_auth_user_id"] == str(person.pk)


def test_key_changes_with_the_second_factor(person):
    secret = set_up_app(person)
    client = Client()
    log_in(client, person)
    between = key_of(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert is_in(client)
    assert key_of(client) != between
    assert not is_in(with_key(between))


def test_key_changes_with_the_password(person):
    client = Client()
    log_in(client, person)
    before = key_of(client)
    sent = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post("/accounts/password/change/", sent)
    assert not is_in(with_key(before))


@pytest.mark.django_db(transaction=True)
def test_key_changes_with_the_enrolment_of_a_factor(person):
    """From then on the session may do what needs one."""
    client = Client()
    log_in(client, person)
    before = key_of(client)
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert is_in(client)
    assert key_of(client) != before
    assert not is_in(with_key(before))


def test_key_changes_with_the_opening_of_a_patient_in_an_emergency(person):
    patient = SubmissionFactory().lesion.patient
    client = Client()
    log_in(client, person)
    before = key_of(client)
    reason = {
        "clinic": patient.clinic_id,
        "public_id": patient.public_id,
        "reason": "Unconscious in our ward",
    }
    opened = client.post("/emergency/", reason)
    assert client.get(opened["Location"]).status_code == 200
    assert key_of(client) != before
    assert with_key(before).get(opened["Location"]).status_code == 404


@pytest.fixture
def confirmed(settings, time_machine, person):
    """A browser whose person just confirmed themselves, and the key that it had before."""
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    time_machine.move_to(timezone.now())
    client = Client()
    log_in(client, person)
    before = key_of(client)
    time_machine.shift(dt.timedelta(minutes=11))
    client.post("/settings/tokens/", {**TOKEN, "step_up_password": PASSWORD})
    assert AuthToken.objects.count() == 1
    return client, before


def test_key_changes_with_a_confirmation(confirmed, time_machine):
    """Who copied the former key gains nothing by the confirmation, and soon has nothing at all."""
    client, before = confirmed
    assert key_of(client) != before
    assert client.post("/settings/tokens/", TOKEN).status_code == 200
    thief = with_key(before)
    assert thief.post("/settings/tokens/", TOKEN).status_code == 403
    time_machine.shift(dt.timedelta(seconds=31))
    assert not is_in(thief)
    assert is_in(client)
    event = AuditEvent.objects.get(action="user.session_expired")
    assert event.details == {"reason": "superseded"}
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [key_of(client)]


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_another_tab_asked_just_before_a_confirmation_is_answered(confirmed, person, method):
    """And leaves the new key in the browser."""
    _, before = confirmed
    answer = getattr(with_key(before), method)("/accounts/session/")
    assert answer.json()["person"] == str(person.pk)
    assert COOKIE not in answer.cookies
    assert not UserSession.objects.filter(session_key=before).exists()


def test_second_confirmation_by_the_former_key_gets_a_whole_session(confirmed, time_machine):
    """As when the button is pressed twice."""
    again = with_key(confirmed[1])
    assert again.post("/settings/tokens/", {**TOKEN, "step_up_password": PASSWORD}).status_code == 200
    time_machine.shift(dt.timedelta(seconds=31))
    assert is_in(again)


def test_session_that_ended_meanwhile_is_not_raised_by_a_confirmation(person, rf):
    client = Client()
    log_in(client, person)
    request = rf.post("/")
    request.session = SessionStore(key_of(client))
    assert request.session["_auth_user_id"] == str(person.pk)
    client.post("/accounts/logout/")
    with pytest.raises(SessionInterrupted):
        renew_key(request)
    assert not Session.objects.exists()


def test_log_out_ends_the_session_everywhere_it_was_copied_to(person):
    client = Client()
    log_in(client, person)
    stolen = with_key(key_of(client))
    assert is_in(stolen)
    client.post("/accounts/logout/")
    assert not is_in(stolen)


@pytest.mark.parametrize("change", ["dismissed", "deactivated", "another role"])
def test_rights_are_asked_of_the_database_not_the_session(person, change):
    client = Client()
    log_in(client, person)
    assert client.get("/worklist/").status_code == 200
    membership = person.memberships.get()
    if change == "another role":
        membership.role = "clinician"
    membership.is_active = change != "dismissed"
    membership.save()
    person.is_active = change != "deactivated"
    person.save()
    assert client.get("/worklist/").status_code in (302, 403)


def test_session_says_nothing_that_a_browser_could_write(person):
    """It is kept in the database; the cookie holds a key alone."""
    client = Client()
    log_in(client, person)
    assert site_settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
    assert len(key_of(client)) == 32
    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
