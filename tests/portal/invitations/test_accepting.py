"""Accepted once, by whose address it is."""

import threading

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import User
from portal.trust.accounts.people.invitations import accept_invitation
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory, UserFactory
from tests.portal.invitations.asking import (
    NEW,
    PASSWORD,
    ask,
    code_in,
    membership_of,
    open_code,
    send_by_page,
    set_password,
)

pytestmark = pytest.mark.django_db


def test_new_person_sets_name_and_password_once(client, clinics):
    send_by_page(client, clinics, email="Tove.Holm@Clinic.example", role="dermatologist")
    message = mail.outbox[0]
    assert message.to == [NEW]
    code = code_in(message)
    assert f"/invitation/#{code}" in message.body

    assert open_code(client, code).url == reverse("invitation-accept")
    assert "Create the account" in client.get(reverse("invitation-accept")).text
    assert set_password(client).url == reverse("account_login")

    person = User.objects.get(email=NEW)
    assert (person.full_name, person.check_password(PASSWORD)) == ("Tove Holm", True)
    assert membership_of(clinics.own, person).role == "dermatologist"
    assert "_auth_user_id" not in client.session, "the log-in page is the one door"
    open_code(client, code)
    again = client.get(reverse("invitation-accept"))
    assert again.status_code == 410
    assert "accepted before" in again.text
    assert set_password(client).status_code == 410


def test_person_of_another_clinic_logs_in_and_confirms(client, clinics):
    person = clinics.other.dermatologist
    send_by_page(client, clinics, email=person.email.upper())

    open_code(client, code_in(mail.outbox[0]))
    page = client.get(reverse("invitation-accept")).text
    assert "has an account here" in page
    assert "password1" not in page
    assert set_password(client).status_code == 200
    assert membership_of(clinics.own, person) is None, "not without the log-in"
    client.force_login(person)
    assert "Accept the invitation" in client.get(reverse("invitation-accept")).text
    assert client.post(reverse("invitation-accept")).url == reverse("home")

    assert membership_of(clinics.own, person).role == "clinician"
    assert membership_of(clinics.other, person).role == "dermatologist"
    assert client.get(reverse("home")).context["clinic"] == clinics.own.clinic


def test_somebody_elses_invitation_can_not_be_taken(client, clinics):
    issued = ask(clinics)
    client.force_login(clinics.other.clinician)
    open_code(client, issued.code)

    assert client.get(reverse("invitation-accept")).status_code == 403
    assert client.post(reverse("invitation-accept")).status_code == 403

    assert membership_of(clinics.own, clinics.other.clinician) is None
    with pytest.raises(PeopleError, match="another address"):
        accept_invitation(person=clinics.other.clinician, invitation=issued.invitation)


def test_ended_access_begins_anew_in_the_role_offered(clinics):
    old = MembershipFactory(clinic=clinics.own.clinic, role="administrator", is_active=False)
    issued = ask(clinics, email=old.user.email)

    accept_invitation(person=old.user, invitation=issued.invitation)

    old.refresh_from_db()
    assert (old.role, old.is_active) == ("clinician", True)


def test_weak_password_is_refused(client, clinics):
    open_code(client, ask(clinics).code)
    for weak in ("short", "tove.holm@clinic"):
        assert set_password(client, password1=weak, password2=weak).status_code == 400
    assert set_password(client, password2="another-one-entirely").status_code == 400
    assert not User.objects.filter(email=NEW).exists()


@pytest.mark.django_db(transaction=True)
def test_many_acceptances_at_once_give_one_place(clinics):
    person = UserFactory()
    issued = ask(clinics, email=person.email)
    start, outcomes = threading.Barrier(4), []

    def accept():
        start.wait()
        try:
            accept_invitation(person=person, invitation=issued.invitation)
            outcomes.append("taken")
        except PeopleError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["invitation_gone"] * 3 + ["taken"]
    assert AuditEvent.objects.filter(action="invitation.accepted").count() == 1
