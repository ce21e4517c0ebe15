import datetime as dt

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from portal.trust.accounts.tokens.tokens import IssuedToken
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
TOKEN = f"{ROOT}/token/"


def ask(client, email, password=PASSWORD, **extra):
    return client.post(TOKEN, {"email": email, "password": password}, **extra)


@pytest.fixture
def client():
    return APIClient()


@pytest.fixture
def person(side):
    return side.own.integration


def test_token_opens_the_api_and_ends(client, person):
    response = ask(client, person.email)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    token = response.json()["token"]
    expiry = dt.datetime.fromisoformat(response.json()["expiry"])
    assert dt.timedelta(hours=9) < expiry - timezone.now() <= dt.timedelta(hours=10)

    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get(f"{ROOT}/me/").json()["email"] == person.email
    with time_machine.travel(expiry + dt.timedelta(seconds=1)):
        refused = client.get(f"{ROOT}/me/")
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"] == "Bearer"


def test_token_is_kept_as_a_hash_only(client, person):
    token = ask(client, person.email).json()["token"]
    row = AuthToken.objects.get()
    assert token not in (row.digest, row.token_key)
    assert token not in repr(IssuedToken(token, timezone.now(), []))


def test_revoked_token_no_longer_opens(client, person):
    token = ask(client, person.email).json()["token"]
    other = ask(client, person.email).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.delete(TOKEN).status_code == 204
    assert client.get(f"{ROOT}/me/").status_code == 401
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {other}")
    assert client.get(f"{ROOT}/me/").status_code == 200


@pytest.mark.parametrize("address", [f"{ROOT}/me/", f"{ROOT}/submissions/", "/fhir/r4/Patient"])
def test_token_begins_no_session(client, person, address):
    token = ask(client, person.email).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.cookies == {}
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


def test_token_leaves_events_without_secrets(client, person):
    token = ask(client, person.email).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    client.delete(TOKEN)
    events = AuditEvent.objects.filter(actor=person).order_by("position")
    assert [event.action for event in events] == ["token.created", "token.first_used", "token.revoked"]
    assert not any(token in str(event.details) for event in events)


def test_unknown_person_wrong_password_and_deactivated_person_get_one_answer(client, person, side):
    side.own.clinician.is_active = False
    side.own.clinician.save()
    answers = [
        ask(client, "nobody@clinic.example"),
        ask(client, person.email, "a wrong password"),
        ask(client, side.own.clinician.email),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert codes(answers[0]) == [("invalid_credentials", None)]
    assert not AuthToken.objects.exists()


def test_failed_try_is_recorded_without_the_address(client):
    ask(client, "nobody@clinic.example")
    event = AuditEvent.objects.get()
    assert event.action == "user.login_failed"
    assert event.actor is None
    assert event.details == {}


def test_email_case_does_not_matter(client, person):
    assert ask(client, person.email.upper()).status_code == 200


def test_form_fields_are_taken_too(client, person):
    response = client.post(
        TOKEN, f"email={person.email}&password={PASSWORD}", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200


def test_old_token_in_the_header_does_not_stand_in_the_way(client, person):
    client.credentials(HTTP_AUTHORIZATION="Bearer dp_gone")
    assert ask(client, person.email).status_code == 200


def test_one_address_is_throttled_and_cannot_choose_its_address(client, person):
    answers = [
        ask(client, f"nobody{n}@clinic.example", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}") for n in range(11)
    ]
    assert answers[-1].status_code == 429
    assert codes(answers[-1]) == [("throttled", None)]
    assert int(answers[-1]["Retry-After"]) > 0


def test_failed_tries_of_one_person_share_the_limit_with_the_log_in_page(client, person):
    for _ in range(5):
        assert ask(client, person.email, "a wrong password").status_code == 400
    assert ask(client, person.email).status_code == 429


def test_oldest_token_makes_room_and_expired_ones_go(client, person, settings):
    settings.REST_KNOX = {**settings.REST_KNOX, "TOKEN_LIMIT_PER_USER": 3}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": None}}
    first, *rest = [ask(client, person.email).json()["token"] for _ in range(4)]
    assert AuthToken.objects.count() == 3
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {first}")
    assert client.get(f"{ROOT}/me/").status_code == 401
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {rest[0]}")
    assert client.get(f"{ROOT}/me/").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer a b",
        "Bearer dp_wrong",
        "Bearer \xff\xfe",
        "Token dp_wrong",
        "Basic x",
        "Bearer \x00",
    ],
)
def test_odd_headers_are_refused_not_broken(client, side, header):
    assert client.get(f"{ROOT}/me/", HTTP_AUTHORIZATION=header).status_code == 401


def test_missing_fields_are_named(client):
    assert codes(client.post(TOKEN, {})) == [("required", "email"), ("required", "password")]


def test_token_of_a_person_deactivated_later_is_dead(client, person):
    token = ask(client, person.email).json()["token"]
    person.is_active = False
    person.save()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get(f"{ROOT}/me/").status_code == 401
