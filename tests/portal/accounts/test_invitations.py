"""Invitations: by mail alone, once, for whose address it is, and telling nobody who has an account."""

import datetime as dt
import logging
import re
import threading
import uuid

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from portal.accounts.errors import PeopleError
from portal.accounts.invitations import (
    SENT_AN_HOUR,
    accept_invitation,
    find_by_code,
    invite,
    resend_invitation,
    withdraw_invitation,
)
from portal.accounts.models import Invitation, Membership, User
from portal.accounts.models.invitation import InvitationState
from portal.audit.models import AuditEvent
from tests.factories import MembershipFactory, UserFactory, two_clinics

pytestmark = pytest.mark.django_db

PASSWORD = "seven-quiet-herons-wade"
NEW = "tove.holm@clinic.example"


@pytest.fixture
def clinics():
    return two_clinics()


def ask(clinics, email=NEW, role="clinician", **more):
    return invite(actor=clinics.own.administrator, clinic=clinics.own.clinic, email=email, role=role, **more)


def send_by_page(client, clinics, email=NEW, **more):
    client.force_login(clinics.own.administrator)
    answer = client.post(reverse("invitations"), {"email": email, "role": "clinician", **more}, follow=True)
    client.logout()
    return answer


def code_in(letter):
    return re.search(r"#(\S+)", letter.body).group(1)


def open_code(client, code):
    return client.post(reverse("invitation-open"), {"code": code})


def set_password(client, **changes):
    fields = {"full_name": "Tove Holm", "password1": PASSWORD, "password2": PASSWORD, **changes}
    return client.post(reverse("invitation-accept"), fields)


def membership_of(staff, user):
    return Membership.objects.filter(clinic=staff.clinic, user=user).first()


def test_new_person_sets_name_and_password_once(client, clinics):
    send_by_page(client, clinics, email="Tove.Holm@Clinic.example", role="dermatologist")
    letter = mail.outbox[0]
    assert letter.to == [NEW]
    code = code_in(letter)
    assert f"/invitation/#{code}" in letter.body

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
    letter = ask(clinics)
    client.force_login(clinics.other.clinician)
    open_code(client, letter.code)

    assert client.get(reverse("invitation-accept")).status_code == 403
    assert client.post(reverse("invitation-accept")).status_code == 403

    assert membership_of(clinics.own, clinics.other.clinician) is None
    with pytest.raises(PeopleError, match="another address"):
        accept_invitation(person=clinics.other.clinician, invitation=letter.invitation)


def test_administrator_learns_nothing_of_accounts_elsewhere(client, clinics):
    answers = [
        send_by_page(client, clinics, email=email)
        for email in (clinics.other.clinician.email, "nobody-has-this@clinic.example")
    ]
    words = [re.sub(r"\S+@\S+|csrf\S+ value=\S+", "", answer.text) for answer in answers]
    said = [re.findall(r"on its way by mail", text) for text in words]
    assert said[0] == said[1] != []
    bodies = [re.sub(r"#?\S+:\S+|[\w-]+@\S+", "", letter.body) for letter in mail.outbox]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("code", ["", "x", "a:b", "a" * 300, "é:…"])
def test_unknown_code_is_refused_alike(client, clinics, code):
    answer = open_code(client, code)
    assert answer.status_code == 400
    assert "invitation" not in client.session


def test_forged_signature_finds_nothing(clinics):
    letter = ask(clinics)
    secret, _, _ = letter.code.rpartition(":")
    assert find_by_code(letter.code) == letter.invitation
    assert find_by_code(f"{secret}:{'A' * 43}") is None


def test_only_a_hash_is_kept_and_nothing_is_said_in_logs_or_trail(client, clinics, caplog):
    caplog.set_level(logging.DEBUG)
    send_by_page(client, clinics)
    code = code_in(mail.outbox[0])
    open_code(client, code)
    client.get(reverse("invitation-accept"))
    set_password(client)

    secret = code.rpartition(":")[0]
    kept = str(list(Invitation.objects.values()))
    trail = str(list(AuditEvent.objects.values("action", "object_id", "details")))
    assert secret not in kept
    for place in (caplog.text, trail):
        assert secret not in place
        assert "tove" not in place.lower()
    assert "#" not in reverse("invitation-open")
    actions = AuditEvent.objects.filter(chain__clinic=clinics.own.clinic).values_list("action", flat=True)
    assert list(actions) == ["invitation.created", "user.created", "invitation.accepted"]


def test_time_runs_out_and_sending_again_begins_it_anew(client, clinics, settings):
    settings.DERMAPORT_INVITATION_DAYS = 2
    letter = ask(clinics)
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, minutes=1), tick=False):
        open_code(client, letter.code)
        page = client.get(reverse("invitation-accept"))
        assert page.status_code == 410
        assert "send it again" in page.text
        assert letter.invitation.state == InvitationState.EXPIRED
        client.force_login(clinics.own.administrator)
        client.post(reverse("invitation-resend", args=[letter.invitation.pk]))
        client.logout()
        open_code(client, code_in(mail.outbox[0]))
        assert set_password(client).url == reverse("account_login")


def test_link_sent_before_ends_when_it_is_sent_again(client, clinics):
    first = ask(clinics)
    open_code(client, first.code)
    second = resend_invitation(actor=clinics.own.administrator, invitation=first.invitation)

    assert client.get(reverse("invitation-accept")).url == reverse("invitation-open")
    assert open_code(client, first.code).status_code == 400
    assert open_code(client, second.code).status_code == 302


def test_inviting_again_renews_the_one_invitation(clinics):
    first = ask(clinics)
    second = ask(clinics, role="administrator")

    assert first.invitation.pk == second.invitation.pk
    assert find_by_code(first.code) is None
    assert find_by_code(second.code).role == "administrator"


def test_withdrawn_invitation_ends_at_once(client, clinics):
    letter = ask(clinics)
    open_code(client, letter.code)
    withdraw_invitation(actor=clinics.own.administrator, invitation=letter.invitation)

    assert set_password(client).status_code == 410
    assert not User.objects.filter(email=NEW).exists()
    with pytest.raises(PeopleError, match="accepted or withdrawn"):
        resend_invitation(actor=clinics.own.administrator, invitation=letter.invitation)
    ask(clinics)


def test_who_is_in_the_clinic_is_not_invited(client, clinics):
    answer = send_by_page(client, clinics, email=clinics.own.clinician.email)
    assert answer.status_code == 400
    assert "in your clinic already" in answer.text
    assert mail.outbox == []


def test_ended_access_begins_anew_in_the_role_offered(clinics):
    old = MembershipFactory(clinic=clinics.own.clinic, role="administrator", is_active=False)
    letter = ask(clinics, email=old.user.email)

    accept_invitation(person=old.user, invitation=letter.invitation)

    old.refresh_from_db()
    assert (old.role, old.is_active) == ("clinician", True)


def test_weak_password_is_refused(client, clinics):
    open_code(client, ask(clinics).code)
    for weak in ("short", "tove.holm@clinic"):
        assert set_password(client, password1=weak, password2=weak).status_code == 400
    assert set_password(client, password2="another-one-entirely").status_code == 400
    assert not User.objects.filter(email=NEW).exists()


def test_mail_that_did_not_leave_is_shown_until_it_does(client, clinics, settings):
    settings.EMAIL_BACKEND = "tests.portal.accounts.test_invitations.DeadMail"
    answer = send_by_page(client, clinics)
    assert "could not be sent" in answer.text
    assert Invitation.objects.get().is_undelivered
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.force_login(clinics.own.administrator)
    client.post(reverse("invitation-resend", args=[Invitation.objects.get().pk]))
    assert not Invitation.objects.get().is_undelivered
    assert len(mail.outbox) == 1


class DeadMail:
    def __init__(self, **_):
        pass

    def send_messages(self, _):
        raise ConnectionRefusedError("no mail server")


def test_page_shows_each_state_and_an_empty_one(client, clinics):
    client.force_login(clinics.own.administrator)
    assert "Nobody is invited" in client.get(reverse("invitations")).text
    letters = {state: ask(clinics, email=f"{state}@clinic.example") for state in InvitationState}
    Invitation.objects.filter(pk=letters["expired"].invitation.pk).update(
        sent_at=timezone.now() - dt.timedelta(days=9), expires_at=timezone.now() - dt.timedelta(days=2)
    )
    withdraw_invitation(actor=clinics.own.administrator, invitation=letters["withdrawn"].invitation)
    accept_invitation(
        person=UserFactory(email="accepted@clinic.example"), invitation=letters["accepted"].invitation
    )

    page = client.get(reverse("invitations"))

    for state in InvitationState:
        assert f"{state}@clinic.example" in page.text
        assert state.label in page.text
        found = Invitation.objects.with_state(state)
        assert [row.email for row in found] == [f"{state}@clinic.example"]
        assert found.get().state == state
    client.force_login(clinics.other.administrator)
    assert "@clinic.example</strong>" not in client.get(reverse("invitations")).text


def test_services_refuse_who_is_no_administrator(clinics):
    letter = ask(clinics)
    for actor in (clinics.own.dermatologist, clinics.other.administrator, clinics.operator):
        with pytest.raises(PermissionDenied):
            invite(actor=actor, clinic=clinics.own.clinic, email="a@b.example", role="clinician")
        with pytest.raises(PermissionDenied):
            resend_invitation(actor=actor, invitation=letter.invitation)
        with pytest.raises(PermissionDenied):
            withdraw_invitation(actor=actor, invitation=letter.invitation)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "nowhere"}, "email_invalid"),
        ({"role": "emperor"}, "role_unknown"),
        ({"role": "clinician", "guest_until": dt.timedelta(days=3)}, "guest_role"),
        ({"role": "dermatologist", "guest_until": dt.timedelta(days=-1)}, "guest_end"),
        ({"role": "dermatologist", "guest_until": dt.timedelta(days=900)}, "guest_end"),
    ],
)
def test_what_can_not_be_offered_is_refused(clinics, fields, code):
    if "guest_until" in fields:
        fields = {**fields, "guest_until": timezone.now() + fields["guest_until"]}
    with pytest.raises(PeopleError) as error:
        ask(clinics, **fields)
    assert error.value.code == code


def test_a_clinic_sends_so_many_an_hour(clinics):
    for number in range(SENT_AN_HOUR):
        ask(clinics, email=f"{number}@clinic.example")
    with pytest.raises(PeopleError, match="the limit is 50"):
        ask(clinics)


@pytest.mark.django_db(transaction=True)
def test_many_acceptances_at_once_give_one_place(clinics):
    person = UserFactory()
    letter = ask(clinics, email=person.email)
    start, outcomes = threading.Barrier(4), []

    def accept():
        start.wait()
        try:
            accept_invitation(person=person, invitation=letter.invitation)
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


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("invitation_role_known", {"role": "emperor"}),
        ("invitation_only_dermatologists_are_guests", {"guest_until": timezone.now()}),
        ("invitation_accepted_by_someone", {"accepted_at": timezone.now()}),
        ("invitation_withdrawn_by_someone", {"withdrawn_at": timezone.now()}),
        ("invitation_expires_after_sending", {"expires_at": timezone.now() - dt.timedelta(days=1)}),
    ],
)
def test_constraints_hold(clinics, name, changes):
    letter = ask(clinics)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Invitation.objects.filter(pk=letter.invitation.pk).update(**changes)


def test_one_answer_and_one_unanswered_row(clinics):
    row = ask(clinics).invitation
    now, person = timezone.now(), clinics.own.administrator
    both = {"accepted_at": now, "accepted_by": person, "withdrawn_at": now, "withdrawn_by": person}
    with pytest.raises(IntegrityError, match="invitation_one_answer"), transaction.atomic():
        Invitation.objects.filter(pk=row.pk).update(**both)
    row.pk, row.secret_hash = uuid.uuid4(), "f" * 64
    # SQLite names the columns of a unique index, PostgreSQL the constraint.
    with pytest.raises(IntegrityError, match=r"one_unanswered_per_address|clinic_id"), transaction.atomic():
        row.save(force_insert=True)
