"""Tokens that a person makes on the page: named, scoped, maybe of one clinic, never endless."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from knox.settings import knox_settings

from portal.accounts.errors import PeopleError
from portal.accounts.models import Clinic, Membership
from portal.accounts.scopes import SCOPES
from portal.accounts.token_use import ApiBearer
from portal.accounts.tokens import PASSWORD_TOKEN_NAME, IssuedToken, store_token

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from django.db.models import QuerySet

    from portal.accounts.models import User

LONGEST_NAME = 80  # the column's length


def make_own_token(
    *, actor: User, name: str, scopes: Collection[str], days: int, clinic_id: uuid.UUID | None = None
) -> IssuedToken:
    """Make a token that acts as `actor`, in one of their clinics or in all.

    Raises PeopleError (name_missing, name_too_long, scopes_missing, scope_unknown,
    days_out_of_range, clinic_unknown, too_many_tokens).
    """
    clinic = None
    if clinic_id is not None:
        clinic = Clinic.objects.visible_to(actor).filter(pk=clinic_id).first()
        if clinic is None:
            raise PeopleError("clinic_unknown", "Choose one of your clinics.", field="clinic")
    check_room(actor)
    return store_token(
        owner=actor,
        made_by=actor,
        name=clean_name(name),
        scopes=check_scopes(scopes),
        lifetime=check_days(days),
        clinic=clinic,
    )


def clinics_of(person: User) -> QuerySet[Clinic]:
    """Where this person works now."""
    return Clinic.objects.filter(pk__in=Membership.objects.held_by(person).order_by().values("clinic"))


def check_room(owner: User) -> None:
    """Raises PeopleError (too_many_tokens) at the limit: one that is used would have to go."""
    most = knox_settings.TOKEN_LIMIT_PER_USER
    if sum(token.name != PASSWORD_TOKEN_NAME for token in ApiBearer.list_live(owner)) >= most:
        raise PeopleError("too_many_tokens", f"There are {most} tokens already. Revoke one first.")


def clean_name(name: str) -> str:
    """The name as it is stored. Raises PeopleError (name_missing, name_too_long)."""
    name = " ".join(name.split())
    if not name:
        raise PeopleError("name_missing", "Give it a name that says what uses it.", field="name")
    if len(name) > LONGEST_NAME:
        raise PeopleError(
            "name_too_long",
            f"The name may have {LONGEST_NAME} characters, received {len(name)}.",
            field="name",
        )
    return name


def check_scopes(scopes: Collection[str]) -> Collection[str]:
    """The scopes, all known and at least one. Raises PeopleError (scopes_missing, scope_unknown)."""
    if not scopes:
        raise PeopleError("scopes_missing", "Choose at least one thing that it may do.", field="scopes")
    if unknown := set(scopes) - set(SCOPES):
        raise PeopleError("scope_unknown", f"There is no scope {min(unknown)}.", field="scopes")
    return scopes


def check_days(days: int) -> dt.timedelta:
    """How long it lives. Raises PeopleError (days_out_of_range)."""
    longest = settings.DERMAPORT_TOKEN_MAX_DAYS
    if not 1 <= days <= longest:
        raise PeopleError(
            "days_out_of_range",
            f"A token can live 1 to {longest} days, received {days}.",
            field="days",
        )
    return dt.timedelta(days=days)
