"""The end of tokens before their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import AccessToken, clear_expired, revoke_access_token

from portal.accounts.oauth.access import revoke_application_tokens
from portal.accounts.tokens import grant_of
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


def revoke_token(*, token: AuthToken | AccessToken, actor: User | None = None) -> None:
    """End a token now; `actor` is its owner unless told."""
    if isinstance(token, AccessToken):
        _revoke_access(token)
        return
    grant = grant_of(token)
    with transaction.atomic():
        record_event(
            clinic_id=grant.clinic_id if grant else None,
            action="token.revoked",
            actor=actor or token.user,
            obj=grant or token.user,
            details={"owner": str(token.user_id)},
        )
        token.delete()


def revoke_all_tokens(*, user: User) -> int:
    """End every program that works in this person's name; return how many tokens went."""
    tokens = AuthToken.objects.filter(user=user)
    count = tokens.count()
    tokens.delete()
    return count + revoke_application_tokens(user=user)


def forget_expired_tokens() -> None:
    """Delete what opens nothing any more. Spent refresh tokens stay while reuse would show a theft."""
    AuthToken.objects.filter(expiry__lte=timezone.now()).delete()
    clear_expired()


def _revoke_access(token: AccessToken) -> None:
    with transaction.atomic():
        record_event(
            clinic_id=token.application.clinic_id,
            action="token.revoked",
            actor=token.user,
            obj=token.application,
            details={"owner": str(token.user_id)},
        )
        revoke_access_token(token)
