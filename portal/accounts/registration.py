"""A new person, by an invitation that reached their mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from portal.accounts.errors import PeopleError
from portal.accounts.invitations import lock_open, take_place
from portal.accounts.models import Clinic, User
from portal.accounts.services import find_or_create_person

if TYPE_CHECKING:
    from portal.accounts.models import Invitation, Membership


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
