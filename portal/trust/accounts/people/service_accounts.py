"""Service accounts: what acts for a clinic without being a person, through tokens alone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import SERVICE_DOMAIN, Membership, User, UserKind
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action, Role
from portal.trust.accounts.tokens.tokens import (
    IssuedToken,
    check_days,
    check_room,
    check_scopes,
    clean_name,
    store_token,
)
from portal.trust.accounts.tokens.use import revoke_all_tokens
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from portal.trust.accounts.models import Clinic
    from portal.trust.accounts.tokens.use import Bearer


def select_services(clinic: Clinic) -> QuerySet[Membership]:
    """Service accounts of the clinic, those that work first."""
    rows = Membership.objects.filter(clinic=clinic, user__kind=UserKind.SERVICE)
    return rows.select_related("user", "clinic").order_by("-user__is_active", "user__full_name", "pk")


def make_service(*, actor: User, clinic: Clinic, name: str) -> Membership:
    """Set up an account for a system of the clinic.

    Raises PermissionDenied or PeopleError (name_missing, name_too_long).
    """
    require(actor, clinic, Action.ADMINISTER)
    name = clean_name(name)
    with transaction.atomic():
        account = User.objects.create_user(
            f"{uuid.uuid4()}@{SERVICE_DOMAIN}", full_name=name, kind=UserKind.SERVICE
        )
        membership = Membership.objects.create(user=account, clinic=clinic, role=Role.INTEGRATION)
        _record(actor, membership, "service.created")
    return membership


def set_service_active(*, actor: User, membership: Membership, is_active: bool) -> None:
    """Close the account, which ends its tokens for good, or open it again. Raises PermissionDenied."""
    require(actor, membership.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        account = User.objects.select_for_update().get(pk=membership.user_id, kind=UserKind.SERVICE)
        if account.is_active == is_active:
            return
        account.is_active = is_active
        account.save(update_fields=["is_active"])
        if is_active:
            _record(actor, membership, "service.activated")
        else:
            _record(actor, membership, "service.deactivated", tokens_revoked=revoke_all_tokens(user=account))


def make_service_token(
    *, actor: User, membership: Membership, name: str, scopes: Collection[str], days: int
) -> IssuedToken:
    """Make a token with which the account acts for its clinic.

    Raises PermissionDenied or PeopleError (service_closed, and those of `make_own_token`).
    """
    require(actor, membership.clinic_id, Action.ADMINISTER)
    if not membership.user.is_active:
        raise PeopleError("service_closed", "This account is closed. Open it again first.")
    check_room(membership.user)
    return store_token(
        owner=membership.user,
        made_by=actor,
        name=clean_name(name),
        scopes=check_scopes(scopes),
        lifetime=check_days(days),
        clinic=membership.clinic,
    )


def revoke_service_token(*, actor: User, membership: Membership, token: Bearer) -> None:
    """End a token of the account. Raises PermissionDenied."""
    require(actor, membership.clinic_id, Action.ADMINISTER)
    if token.user.pk != membership.user_id:
        raise ValueError("expected a token of this service account, received another's")
    token.end(actor=actor)


def _record(actor: User, membership: Membership, action: str, **details: int) -> None:
    record_event(
        clinic_id=membership.clinic_id, action=action, actor=actor, obj=membership.user, details=details
    )
