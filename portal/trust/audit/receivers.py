"""Log-ins, log-outs and failed tasks are announced by signals only, so they are recorded from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.signals import task_failure
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from portal.trust.audit.services import record_event
from portal.trust.audit.tallies import record_bounded

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


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
    record_bounded(clinic_id=None, action="user.login_failed")


@task_failure.connect
def record_failed_task(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    """With the kind of error alone: its message may quote a patient's data."""
    details = {"task": getattr(sender, "name", ""), "error": type(exception).__name__}
    record_bounded(clinic_id=None, action="task.failed", details=details)
