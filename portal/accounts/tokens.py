"""Tokens for programs: made with e-mail and password or on the page, scoped, expiring, revocable."""

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

from portal.accounts.errors import PeopleError
from portal.accounts.models import ApiToken
from portal.accounts.scopes import PASSWORD_SCOPES, sort_scopes
from portal.accounts.second_factor import MFA_REQUIRED, has_factor, must_have_factor
from portal.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from portal.accounts.models import Clinic, User

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
