"""A new password: by the one who knows the old one, or by mail."""

import re

import pytest
from django.core import mail
from django.test import Client
from knox.models import AuthToken

from portal.trust.audit.models import AuditEvent
from tests.factories import PASSWORD, staff_clinic

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"
RESET = "/accounts/password/reset/"
NEW = "another-long-secret-phrase"


@pytest.fixture
def person():
    return staff_clinic().clinician


def log_in(client, email, password):
    client.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in client.session


def change(client, old=PASSWORD, new=NEW, again=None):
    return client.post(CHANGE, {"oldpassword": old, "password1": new, "password2": again or new})


def ask_for_link(client, email) -> str:
    client.post(RESET, {"email": email})
    found = re.search(r"http://testserver(/\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def test_change_ends_every_session_and_token(client, person):
    elsewhere = Client()
    assert log_in(client, person.email, PASSWORD)
    assert log_in(elsewhere, person.email, PASSWORD)
    AuthToken.objects.create(user=person)
    assert change(client).status_code == 302
    assert client.get(CHANGE).status_code == 302
    assert elsewhere.get(CHANGE).status_code == 302
    assert not AuthToken.objects.exists()
    assert not log_in(client, person.email, PASSWORD)
    assert log_in(client, person.email, NEW)
    event = AuditEvent.objects.get(action="user.password_changed")
    assert (event.actor, event.details) == (person, {"tokens_revoked": 1})


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"old": "a wrong password"}, "current password"),
        ({"new": "short"}, "12 characters"),
        ({"new": "password1234"}, "too common"),
        ({"again": "another-long-other-phrase"}, "same password"),
    ],
)
def test_change_refused(client, person, sent, words):
    log_in(client, person.email, PASSWORD)
    response = change(client, **sent)
    assert response.status_code == 200
    assert words in response.content.decode()
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_nobody_changes_nothing(client):
    assert change(client)["Location"] == f"/accounts/login/?next={CHANGE}"


def test_reset_by_mail_works_once(client, person):
    AuthToken.objects.create(user=person)
    link = ask_for_link(client, person.email)
    form = client.get(link, follow=True)
    assert form.status_code == 200
    address = form.redirect_chain[-1][0]
    assert link.split("-", 1)[1] not in address, "the key must not stay in the address"
    done = client.post(address, {"password1": NEW, "password2": NEW}, follow=True)
    assert done.status_code == 200
    assert log_in(Client(), person.email, NEW)
    assert not AuthToken.objects.exists()
    assert AuditEvent.objects.filter(action="user.password_reset", actor=person).count() == 1
    again = Client().get(link, follow=True)
    assert 'name="password1"' not in again.content.decode()


def test_made_up_link_opens_nothing(client, person):
    link = ask_for_link(client, person.email)
    page = client.get(link[:-6] + "zzzzz/", follow=True)
    assert 'name="password1"' not in page.content.decode()


def test_unknown_and_known_addresses_get_one_answer(client, person):
    answers = [client.post(RESET, {"email": email}) for email in (person.email, "nobody@clinic.example")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, f"{RESET}done/")] * 2
    assert [message.to for message in mail.outbox] == [[person.email], ["nobody@clinic.example"]]


def test_mails_name_no_sign_up_and_no_patient(client, person):
    ask_for_link(client, person.email)
    client.post(RESET, {"email": "nobody@clinic.example"})
    for message in mail.outbox:
        assert "sign up" not in message.body.lower()
        assert "!" not in message.subject + message.body
        assert message.subject.endswith(("Set a new password", "No account with this address"))


def test_deactivated_person_gets_no_link(client, person):
    person.is_active = False
    person.save()
    client.post(RESET, {"email": person.email})
    assert not [message for message in mail.outbox if "/password/reset/key/" in message.body]


def test_flood_of_resets_gets_the_429_page(client, person):
    answers = [client.post(RESET, {"email": person.email}) for _ in range(6)]
    assert answers[-1].status_code == 429


def test_reset_without_the_csrf_token_is_refused(person):
    assert Client(enforce_csrf_checks=True).post(RESET, {"email": person.email}).status_code == 403
    assert not mail.outbox


def test_host_of_the_link_is_not_the_callers_to_choose(client, person):
    response = client.post(RESET, {"email": person.email}, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert not mail.outbox
