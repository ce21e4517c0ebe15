"""A token comes in: whose is it, does it hold, and what of its use is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
from hmac import compare_digest
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from oauth2_provider.models import AccessToken

from portal.accounts.models import ApiToken, OAuthApplication
from portal.accounts.oauth.access import look_up_access_token, note_application_use
from portal.accounts.oauth.server import ACCESS_PREFIX
from portal.accounts.tokens import clinic_limit_of, grant_of
from portal.audit.services import record_event
from portal.audit.tallies import record_bounded

if TYPE_CHECKING:
    from typing import Any

# A program calls many times a second: neither its use nor its refusal is written more often.
WRITE_EVERY = dt.timedelta(minutes=1)
UNKNOWN = "token_unknown"


class TokenRefusedError(Exception):
    """A token that doesn't open: a stable `code` and a sentence for whoever holds it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def find_token(text: str) -> AuthToken | AccessToken:
    """The live token with this text; its user is narrowed to its clinic.

    Raises TokenRefusedError (token_unknown, token_expired, token_owner_closed,
    application_closed).
    """
    is_oauth = text.startswith(ACCESS_PREFIX)
    token = look_up_access_token(text) if is_oauth else _look_up(text)
    if token is None:
        raise TokenRefusedError(UNKNOWN, "Invalid token.")
    end = token.expires if is_oauth else token.expiry
    if end is not None and end <= timezone.now():
        note_refusal(token, "token_expired")
        raise TokenRefusedError("token_expired", "This token has expired. Make a new one.")
    if not token.user.is_active:
        note_refusal(token, "token_owner_closed")
        raise TokenRefusedError("token_owner_closed", "The log-in of this token's owner is closed.")
    if is_oauth and not token.application.is_usable(None):
        note_refusal(token, "application_closed")
        raise TokenRefusedError("application_closed", "The application of this token is closed.")
    token.user.clinic_limit = clinic_limit_of(token)
    if is_oauth:
        note_application_use(token.application, every=WRITE_EVERY)
    else:
        note_use(token)
    return token


def _look_up(text: str) -> AuthToken | None:
    key = text[: CONSTANTS.TOKEN_KEY_LENGTH]
    for token in AuthToken.objects.filter(token_key=key).select_related("user", "grant"):
        if compare_digest(hash_token(text), token.digest):
            return token
    return None


def note_use(token: AuthToken) -> None:
    """Keep when it was last used, to the minute; its first use is an event."""
    grant, now = grant_of(token), timezone.now()
    if grant is None or (grant.last_used_at and now - grant.last_used_at < WRITE_EVERY):
        return
    stale = ApiToken.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - WRITE_EVERY), pk=grant.pk
    )
    with transaction.atomic():
        won = stale.update(last_used_at=now)
        if won and grant.last_used_at is None:
            record_event(clinic_id=grant.clinic_id, action="token.first_used", actor=token.user, obj=grant)


def note_refusal(
    token: AuthToken | AccessToken | None, code: str, *, once_for: str = "", **details: Any
) -> None:
    """Record that a token was refused, once a minute for each reason and token.

    Of an unknown token there is only `once_for`, the caller's address, which is not kept.
    """
    subject = token.pk if token else once_for
    key = hashlib.sha256(f"{code}:{sorted(details.items())}:{subject}".encode()).hexdigest()
    if not cache.add(f"token-refused:{key}", 1, timeout=WRITE_EVERY.total_seconds()):
        return
    said = {"reason": code, **details}
    if token is None:
        # From many addresses this comes without end.
        record_bounded(clinic_id=None, action="token.refused", details=said)
        return
    record_event(
        clinic_id=clinic_limit_of(token),
        action="token.refused",
        actor=token.user,
        obj=_subject_of(token),
        details=said,
    )


def _subject_of(token: AuthToken | AccessToken) -> ApiToken | OAuthApplication | None:
    return token.application if isinstance(token, AccessToken) else grant_of(token)
