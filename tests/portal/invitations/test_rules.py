"""Who may invite whom as what, and what the database itself refuses."""

import datetime as dt
import uuid

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Invitation
from portal.trust.accounts.people.invitations import (
    SENT_AN_HOUR,
    invite,
    resend_invitation,
    withdraw_invitation,
)
from tests.portal.invitations.asking import ask, send_by_page

pytestmark = pytest.mark.django_db


def test_who_is_in_the_clinic_is_not_invited(client, clinics):
    answer = send_by_page(client, clinics, email=clinics.own.clinician.email)
    assert answer.status_code == 400
    assert "in your clinic already" in answer.text
    assert mail.outbox == []


def test_services_refuse_who_is_no_administrator(clinics):
    issued = ask(clinics)
    for actor in (clinics.own.dermatologist, clinics.other.administrator, clinics.operator):
        with pytest.raises(PermissionDenied):
            invite(actor=actor, clinic=clinics.own.clinic, email="a@b.example", role="clinician")
        with pytest.raises(PermissionDenied):
            resend_invitation(actor=actor, invitation=issued.invitation)
        with pytest.raises(PermissionDenied):
            withdraw_invitation(actor=actor, invitation=issued.invitation)


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
    issued = ask(clinics)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Invitation.objects.filter(pk=issued.invitation.pk).update(**changes)


def test_one_answer_and_one_unanswered_row(clinics):
    row = ask(clinics).invitation
    now, person = timezone.now(), clinics.own.administrator
    both = {"accepted_at": now, "accepted_by": person, "withdrawn_at": now, "withdrawn_by": person}
    with pytest.raises(IntegrityError, match="invitation_one_answer"), transaction.atomic():
        Invitation.objects.filter(pk=row.pk).update(**both)
    row.pk, row.secret_hash = uuid.uuid4(), "f" * 64
    # SQLite names the columns of a unique index, PostgreSQL the constraint.
    with (
        pytest.raises(IntegrityError, match=r"invitation_one_unanswered_per_address|clinic_id"),
        transaction.atomic(),
    ):
        row.save(force_insert=True)
