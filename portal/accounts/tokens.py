"""Tokens for programs: made from a person's e-mail and password, short-lived, revocable."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

from portal.accounts.errors import PeopleError
from portal.accounts.second_factor import MFA_REQUIRED, has_factor, must_have_factor
from portal.audit.services import record_event

if TYPE_CHECKING:
    from django.http import HttpRequest

    from portal.accounts.models import User


@dataclass(frozen=True)
class IssuedToken:
    """A new token; its text is known at this moment only, since the database keeps a hash."""

    text: str = field(repr=False)
    expiry: dt.datetime


def issue_token(*, request: HttpRequest, email: str, password: str) -> IssuedToken | None:
    """Make a token for a person who knows the password; None for everybody else alike.

    Failed tries count into the same limits as failed log-ins. Raises ValidationError (Django's)
    when the limit is reached, PeopleError (mfa_required, password_login_off) where a password
    alone opens nothing.
    """
    if not settings.DERMAPORT_LOCAL_LOGIN:
        raise PeopleError(
            "password_login_off", "People log in by single sign-on here. Make a token on the page Settings."
        )
    user = get_adapter(request).authenticate(request, email=email, password=password)
    if user is None or not user.is_active:
        return None
    if has_factor(user) or must_have_factor(user):
        raise PeopleError(
            MFA_REQUIRED, "A password alone is not enough for this person. Make a token on the page Settings."
        )
    with transaction.atomic():
        drop_surplus_tokens(user)
        token, text = AuthToken.objects.create(user=user, prefix=knox_settings.TOKEN_PREFIX)
        record_event(clinic_id=None, action="token.created", actor=user, obj=user)
    return IssuedToken(text, token.expiry)


def drop_surplus_tokens(user: User) -> None:
    """Make room for one more: expired tokens go, then the oldest ones over the limit."""
    AuthToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
    keep = knox_settings.TOKEN_LIMIT_PER_USER - 1
    live = AuthToken.objects.filter(user=user).order_by("-created").values_list("pk", flat=True)
    AuthToken.objects.filter(pk__in=list(live[keep:])).delete()


def revoke_token(*, token: AuthToken) -> None:
    with transaction.atomic():
        record_event(clinic_id=None, action="token.revoked", actor=token.user, obj=token.user)
        token.delete()


def revoke_all_tokens(*, user: User) -> int:
    """End every program that works in this person's name; return how many tokens went."""
    return AuthToken.objects.filter(user=user).delete()[0]
