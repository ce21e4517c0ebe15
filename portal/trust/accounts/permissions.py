"""Permissions: who may do what where. Rows are narrowed by each model's `visible_to(user)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role

if TYPE_CHECKING:
    import uuid

    from django.contrib.auth.models import AnonymousUser


def role_in(user: User | AnonymousUser, clinic_id: uuid.UUID) -> Role | None:
    """The role this person has in the clinic, or None for an outsider."""
    # One at most: their order would join two tables more.
    held = Membership.objects.held_by(user).filter(clinic_id=clinic_id).order_by()
    role = held.values_list("role", flat=True).first()
    return Role(role) if role else None


def is_allowed(user: User | AnonymousUser, clinic: Clinic | uuid.UUID, action: Action) -> bool:
    clinic_id = clinic.pk if isinstance(clinic, Clinic) else clinic
    return role_in(user, clinic_id) in ROLES_ALLOWED[action]


def require(user: User | AnonymousUser, clinic: Clinic | uuid.UUID, action: Action) -> None:
    """Raise PermissionDenied (403) unless the role of `user` in `clinic` allows `action`."""
    if not is_allowed(user, clinic, action):
        raise PermissionDenied(f"Your role in this clinic does not allow this: {action.value}.")
