"""Codes of the second factor: guessed ever more slowly, and each good for one use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError

from portal.accounts.login_guard import record_waits
from portal.accounts.login_limits import CODE, count_attempt, forgive

if TYPE_CHECKING:
    from portal.accounts.models import User

TOO_MANY = "Too many failed codes. Wait a few minutes, then try again."
TOO_MANY_CODE = "too_many_login_attempts"


class _LimitedCode:
    """Waits as for passwords, counted apart: who knows a colleague's password can't keep them out
    of the browser in which they logged in before by typing wrong codes elsewhere.
    """

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        attempt = count_attempt(context.request, self.user.email, of=CODE)
        if attempt.is_refused:
            raise ValidationError(TOO_MANY, TOO_MANY_CODE)
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # the form's, behind this class
        except ValidationError:
            record_waits(self.user, attempt.waits)
            raise
        forgive(attempt.counters)
        _spend(self.authenticator, code)
        return code


def _spend(authenticator: Authenticator, code: str) -> None:
    """Keep a code that was used as used for as long as it would be right.

    Allauth keeps it for one step; with the steps before and after it, a code seen over somebody's
    shoulder would work again for a minute.
    """
    if authenticator.type == Authenticator.Type.TOTP:
        steps = 2 * app_settings.TOTP_TOLERANCE + 1
        used: Any = authenticator.wrap()
        cache.set(used._get_used_cache_key(code), "y", timeout=app_settings.TOTP_PERIOD * steps)  # noqa: SLF001 (allauth's own mark)


class AuthenticateForm(_LimitedCode, forms.AuthenticateForm):
    """At log-in."""


class ReauthenticateForm(_LimitedCode, forms.ReauthenticateForm):
    """Before what counts."""
