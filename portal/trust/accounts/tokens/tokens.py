"""API tokens: made with e-mail and password or on the page, scoped, expiring, revocable."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import ApiToken, Clinic
from portal.trust.accounts.second_factor.codes import MFA_REQUIRED, has_factor, must_have_factor
from portal.trust.accounts.tokens.scopes import PASSWORD_SCOPES, SCOPES, sort_scopes
from portal.trust.accounts.tokens.use import ApiBearer
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Iterable

    from django.http import HttpRequest

    from portal.trust.accounts.models import User


PASSWORD_TOKEN_NAME = "By e-mail and password"  # noqa: S105 (a name)


@dataclass(frozen=True)
class IssuedToken:
    """A new token; its text is known at this moment only, since the database keeps a hash."""

    text: str = field(repr=False)
    expiry: dt.datetime
    scopes: list[str]


def issue_token(*, request: HttpRequest, email: str, password: str) -> IssuedToken | None:
    """Make a token for a person who knows the password; None for everybody else alike.

    Failed tries count into the same limits as failed log-ins. Raises ValidationError (Django's)
    when the limit is reached, PeopleError (mfa_required, password_login_off) where a password
    alone opens nothing.
    """
    if not settings.DERMAPORT_LOCAL_LOGIN:
        raise PeopleError(
            "password_login_off", "People log in by single sign-on here. Make a token on the page API tokens."
        )
    user = get_adapter(request).authenticate(request, email=email, password=password)
    if user is None or not user.is_active:
        return None
    if has_factor(user) or must_have_factor(user):
        raise PeopleError(
            MFA_REQUIRED,
            "A password alone is not enough for this person. Make a token on the page API tokens.",
        )
    drop_surplus_tokens(user)
    return store_token(
        owner=user,
        made_by=user,
        name=PASSWORD_TOKEN_NAME,
        scopes=PASSWORD_SCOPES,
        lifetime=knox_settings.TOKEN_TTL,
    )


def store_token(
    *,
    owner: User,
    made_by: User,
    name: str,
    scopes: Iterable[str],
    lifetime: dt.timedelta,
    clinic: Clinic | None = None,
) -> IssuedToken:
    """Make a token and record it. Who may, and what of, is for the caller to check."""
    scopes = sort_scopes(scopes)
    with transaction.atomic():
        token, text = AuthToken.objects.create(user=owner, expiry=lifetime, prefix=knox_settings.TOKEN_PREFIX)
        grant = ApiToken.objects.create(token=token, name=name, scopes=scopes, clinic=clinic, made_by=made_by)
        record_event(
            clinic_id=clinic.pk if clinic else None,
            action="token.created",
            actor=made_by,
            obj=grant,
            details={"owner": str(owner.pk), "scopes": scopes, "days": lifetime.days},
        )
    return IssuedToken(text, token.expiry, scopes)


def drop_surplus_tokens(user: User) -> None:
    """Make room for one more got by password: expired tokens go, then the oldest of its kind.

    What a person made on the page and set up somewhere isn't pushed out by a script that logs in.
    """
    AuthToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
    keep = knox_settings.TOKEN_LIMIT_PER_USER - 1
    by_password = Q(grant__isnull=True) | Q(grant__name=PASSWORD_TOKEN_NAME)
    live = AuthToken.objects.filter(by_password, user=user).order_by("-created").values_list("pk", flat=True)
    AuthToken.objects.filter(pk__in=list(live[keep:])).delete()


# --- Personal tokens ----------------------------------------------------------------------------
# Named, scoped, maybe of one clinic, never endless.


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
