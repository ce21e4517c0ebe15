"""Changes of password and second factor are announced by signals only, so they are recorded there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.signals import authentication_step_completed, password_changed, password_reset
from allauth.mfa import signals as mfa
from django.db import transaction
from django.dispatch import receiver

from portal.trust.accounts.login.limits import forgive, list_counters
from portal.trust.accounts.sessions.sessions import renew_key
from portal.trust.accounts.tokens.use import revoke_all_tokens
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from django.http import HttpRequest

    from portal.trust.accounts.models import User


@receiver(password_changed)
def record_password_change(user: User, **_: Any) -> None:
    _record("user.password_changed", user)


@receiver(password_reset)
def record_password_reset(user: User, request: HttpRequest, **_: Any) -> None:
    _record("user.password_reset", user)
    # The way out of waits for the password: only who reads the person's mail gets here.
    forgive(list_counters(request, user.email))


def _record(action: str, user: User) -> None:
    """A new password is how a person shuts others out: their tokens end with it."""
    with transaction.atomic():
        tokens = revoke_all_tokens(user=user)
        record_event(clinic_id=None, action=action, actor=user, obj=user, details={"tokens_revoked": tokens})


@receiver(authentication_step_completed)
def renew_confirmed(request: HttpRequest, *, reauthenticated: bool = False, **_: Any) -> None:
    """Who has a copy of the session's key must not sign or export by a confirmation that was another's."""
    if reauthenticated:
        renew_key(request)


@receiver(mfa.authenticator_added)
def record_factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _record_factor("user.mfa_added", user, authenticator)
    # The database knows the factor, so the former key would open as much as the new one.
    renew_key(request, at_once=True)


@receiver(mfa.authenticator_removed)
def record_factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _record_factor("user.mfa_removed", user, authenticator)


@receiver(mfa.authenticator_reset)
def record_codes_made(user: User, authenticator: Authenticator, **_: Any) -> None:
    _record_factor("user.mfa_renewed", user, authenticator)


@receiver(mfa.authentication_failed)
def record_factor_failed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _record_factor("user.mfa_failed", user, authenticator)


def _record_factor(action: str, user: User, authenticator: Authenticator) -> None:
    record_event(
        clinic_id=None, action=action, actor=user, obj=user, details={"type": str(authenticator.type)}
    )
