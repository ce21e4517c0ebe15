"""The end of tokens before their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from knox.models import AuthToken

from portal.accounts.tokens import grant_of
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


def revoke_token(*, token: AuthToken, actor: User | None = None) -> None:
    """End a token now; `actor` is its owner unless told."""
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
    return count
