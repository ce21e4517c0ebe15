"""New people, clinics and operators: by an invitation that reached a mailbox, or from the owner's shell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.people.invitations import check_guest, lock_open, take_place
from portal.trust.accounts.people.services import (
    change_membership,
    clean_clinic_name,
    clean_email,
    find_or_create_person,
    issue_password_path,
)
from portal.trust.accounts.roles import Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import datetime as dt

    from portal.trust.accounts.models import Invitation


def register_invited(*, invitation: Invitation, full_name: str, password: str) -> Membership:
    """Create the log-in of an invited address and take its place. The form has checked the password.

    Raises PeopleError (invitation_gone, has_account).
    """
    with transaction.atomic():
        Clinic.objects.select_for_update().get(pk=invitation.clinic_id)
        invitation = lock_open(invitation)
        if has_account(invitation.email):
            raise PeopleError("has_account", "This address has an account here. Log in to accept.")
        person = find_or_create_person(
            invitation.email, full_name=full_name, clinic=invitation.clinic, actor=None
        )
        person.set_password(password)
        person.save(update_fields=["password"])
        return take_place(person=person, invitation=invitation)


def has_account(email: str) -> bool:
    """Whether somebody logs in with this address. Told to who holds the mailbox, to nobody else."""
    return User.objects.filter(email__iexact=email).exists()


# --- From the shell -----------------------------------------------------------------------------
# What only the machine's owner does: a new clinic, an operator. There is no actor: nobody is logged in, and
# at first nobody exists.


@dataclass(frozen=True)
class Appointment:
    """A person who was given a place. `path` sets their password once; empty when they have one."""

    person: User
    path: str = field(repr=False)


def found_clinic(*, name: str, administrator_email: str, full_name: str = "") -> Appointment:
    """Create a clinic and its first administrator, known to the portal or new.

    Raises PeopleError (name_missing, name_too_long, name_taken, email_invalid, person_closed).
    """
    name = clean_clinic_name(name)
    email = clean_email(administrator_email)
    with transaction.atomic():
        clinic = _create_clinic(name)
        person = find_or_create_person(email, full_name=full_name, clinic=clinic, actor=None)
        _check_open(person)
        role = Role.ADMINISTRATOR.value
        membership = Membership.objects.create(user=person, clinic=clinic, role=role)
        record_event(
            clinic_id=clinic.pk,
            action="membership.created",
            obj=membership,
            details={"user": str(person.pk), "role": role},
        )
        path = ""
        if not person.has_usable_password():
            path = issue_password_path(person, clinic_id=clinic.pk, actor=None)
    return Appointment(person, path)


def appoint_operator(*, email: str, full_name: str = "") -> Appointment:
    """Let a person, known to the portal or new, see the status page.

    A second call changes nothing, and makes a new link while no password is set.
    Raises PeopleError (email_invalid, person_closed).
    """
    email = clean_email(email)
    with transaction.atomic():
        person = find_or_create_person(email, full_name=full_name, clinic=None, actor=None)
        _check_open(person)
        if not person.is_staff:
            person.is_staff = True
            person.save(update_fields=["is_staff"])
            record_event(clinic_id=None, action="user.made_operator", obj=person)
        path = ""
        if not person.has_usable_password():
            path = issue_password_path(person, clinic_id=None, actor=None)
    return Appointment(person, path)


def _create_clinic(name: str) -> Clinic:
    try:
        with transaction.atomic():
            clinic = Clinic.objects.create(name=name)
    except IntegrityError as error:
        raise PeopleError(
            "name_taken",
            "A clinic has this name already. Its administrator adds people on the page People.",
            field="name",
        ) from error
    record_event(clinic_id=clinic.pk, action="clinic.created", obj=clinic)
    return clinic


def _check_open(person: User) -> None:
    if not person.is_active:
        raise PeopleError(
            "person_closed", "This person's log-in is closed. Name another person.", field="email"
        )


# --- Guests -------------------------------------------------------------------------------------
# Dermatologists who serve another clinic until a day.


def change_guest_end(*, actor: User, membership: Membership, guest_until: dt.datetime) -> Membership:
    """Let a guest stay longer or shorter. To end it now, end their access.

    Raises PermissionDenied or PeopleError (not_a_guest, guest_end).
    """
    if not membership.is_guest:
        raise PeopleError(
            "not_a_guest", "This person belongs to your clinic. Only a guest's stay has a last day."
        )
    check_guest(Role.DERMATOLOGIST, guest_until)
    return change_membership(actor, membership, "membership.end_changed", ends_at=guest_until)
