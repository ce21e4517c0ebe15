"""Guests: dermatologists who serve another clinic until a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.accounts.errors import PeopleError
from portal.accounts.invitations import check_guest
from portal.accounts.roles import Role
from portal.accounts.services import change_membership

if TYPE_CHECKING:
    import datetime as dt

    from portal.accounts.models import Membership, User


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
