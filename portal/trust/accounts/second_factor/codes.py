"""Two-factor codes: guessed ever more slowly, and each good for one use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError

from portal.trust.accounts.login.guard import record_waits
from portal.trust.accounts.login.limits import CODE, count_attempt, forgive
from portal.trust.accounts.models import Membership, UserKind

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import Clinic, User


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


# --- Who must have one --------------------------------------------------------------------------


OPERATOR = "operator"
# Recovery codes stand in for a factor; alone they are none.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
MFA_REQUIRED = "mfa_required"
MFA_WORDS = "Your role needs a second factor. Set one up on the page Second factor, then go on."


def must_have_factor(user: User | AnonymousUser, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether a role of this person, in any clinic, needs a second factor.

    A service account logs in nowhere: what it has is its tokens.
    `memberships`: the active ones, where the caller has them already.
    """
    required = set(settings.DERMAPORT_MFA_REQUIRED_ROLES)
    if not required or not user.is_authenticated or user.kind == UserKind.SERVICE:
        return False
    if user.is_staff and OPERATOR in required:
        return True
    if memberships is None:
        memberships = Membership.objects.active().filter(user=user)
    return any(membership.role in required for membership in memberships)


def has_factor(user: User | AnonymousUser) -> bool:
    if not user.is_authenticated:
        return False
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def lacks_factor(user: User | AnonymousUser, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether this person may do nothing yet but set up the second factor that they need."""
    return must_have_factor(user, memberships) and not has_factor(user)


def list_people_with_factor(clinic: Clinic) -> set[uuid.UUID]:
    """And those with an identity at the provider of single sign-on, which is reset with it."""
    rows = Authenticator.objects.filter(type__in=FACTORS, user__memberships__clinic=clinic)
    linked = SocialAccount.objects.filter(user__memberships__clinic=clinic)
    return {*rows.values_list("user_id", flat=True), *linked.values_list("user_id", flat=True)}
