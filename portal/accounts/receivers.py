"""Password changes are announced by signals only, so they are recorded from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.signals import password_changed, password_reset
from django.db import transaction
from django.dispatch import receiver

from portal.accounts.token_ends import revoke_all_tokens
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


@receiver(password_changed)
def record_password_change(user: User, **_: Any) -> None:
    _record("user.password_changed", user)


@receiver(password_reset)
def record_password_reset(user: User, **_: Any) -> None:
    _record("user.password_reset", user)


def _record(action: str, user: User) -> None:
    """A new password is how a person shuts others out: their tokens end with it."""
    with transaction.atomic():
        tokens = revoke_all_tokens(user=user)
        record_event(clinic_id=None, action=action, actor=user, obj=user, details={"tokens_revoked": tokens})
