"""Session fixation and theft: a session's key is the portal's own, and changes with what it may do."""

from __future__ import annotations

import pytest
from django.conf import settings as site_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client

from tests.factories import PASSWORD, SubmissionFactory, staff_clinic
from tests.support.second_factor import code_of, log_in, set_up_app

pytestmark = pytest.mark.django_db
COOKIE = site_settings.SESSION_COOKIE_NAME
NEW = "another-long-secret-phrase"


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
    assert not is_in(with_key(before))


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
