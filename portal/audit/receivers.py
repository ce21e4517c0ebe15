"""Log-ins and log-outs are announced by signals only, so they are recorded from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


@receiver(user_logged_in)
def record_log_in(user: User, **_: Any) -> None:
    record_event(clinic_id=None, action="user.logged_in", actor=user, obj=user)


@receiver(user_logged_out)
def record_log_out(user: User | None, **_: Any) -> None:
    if user is not None:
        record_event(clinic_id=None, action="user.logged_out", actor=user, obj=user)


@receiver(user_login_failed)
def record_failed_log_in(**_: Any) -> None:
    """Without the address that was tried: it may be a password typed in the wrong field."""
    record_event(clinic_id=None, action="user.login_failed")
