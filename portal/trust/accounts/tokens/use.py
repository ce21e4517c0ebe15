"""Bearer tokens: one interface for personal, service and OAuth tokens, from the first call to the end.

Two libraries keep the rows. knox keeps the hash and the end of tokens that people make, and `ApiToken` what
such a token may do; the OAuth toolkit keeps access tokens. `Bearer` is what everybody else sees of
them: authentication, limits, pages, API and audit ask it and never which table a token lies in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from abc import ABC, abstractmethod
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from oauth2_provider.models import AccessToken, RefreshToken, clear_expired, revoke_access_token

from portal.trust.accounts.models import ApiToken, OAuthApplication
from portal.trust.accounts.oauth.server import ACCESS_PREFIX, revoke_application_tokens
from portal.trust.accounts.tokens.scopes import PASSWORD_SCOPES, sort_scopes
from portal.trust.audit.services import record_event
from portal.trust.audit.tallies import record_bounded

if TYPE_CHECKING:
    import uuid

    from django.db.models import Model

    from portal.trust.accounts.models import Clinic, User

# A program calls many times a second: neither its use nor its refusal is written more often.
WRITE_EVERY = dt.timedelta(minutes=1)
UNKNOWN = "token_unknown"


class TokenRefusedError(Exception):
    """A token that doesn't open: a stable `code` and a sentence for whoever holds it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Bearer(ABC):
    """Whose token it is, what it opens and until when; `row` is the library's."""

    row: Any
    expires: dt.datetime | None
    clinic_id: uuid.UUID | None
    """The only clinic that it opens, or None for all of its owner's."""
    scopes: frozenset[str]
    """What it may do at most."""
    subject: Model | None
    """What events name."""

    @classmethod
    @abstractmethod
    def find(cls, text: str) -> Bearer | None:
        """The token of this kind with this text."""

    @classmethod
    @abstractmethod
    def end_all(cls, user: User) -> int:
        """End what acts as `user`, without events; return how many there were."""

    @classmethod
    @abstractmethod
    def forget_expired(cls) -> None:
        """Delete what opens nothing any more."""

    @property
    def user(self) -> User:
        owner: User = self.row.user
        return owner

    @property
    @abstractmethod
    def counted_as(self) -> str:
        """The caller whose calls are counted together."""

    def find_fault(self) -> tuple[str, str] | None:
        """Why it doesn't open now: a code and a sentence."""
        if self.expires is not None and self.expires <= timezone.now():
            return "token_expired", "This token has expired. Make a new one."
        if not self.user.is_active:
            return "token_owner_closed", "The log-in of this token's owner is closed."
        return None

    @abstractmethod
    def note_use(self) -> None:
        """Keep when it was last used, to the minute."""

    def end(self, *, actor: User | None = None) -> None:
        """End it now; `actor` is its owner unless told."""
        with transaction.atomic():
            # The row before the audit chain, as its first use takes them.
            self._delete()
            record_event(
                clinic_id=self.clinic_id,
                action="token.revoked",
                actor=actor or self.user,
                obj=self.subject or self.user,
                details={"owner": str(self.user.pk)},
            )

    @abstractmethod
    def _delete(self) -> None: ...


class ApiBearer(Bearer):
    """A token that somebody made: on the page, for a service account, or with e-mail and password."""

    def __init__(self, row: AuthToken) -> None:
        self.row = row
        self.expires = row.expiry
        # None of a token that is older than scopes.
        self.subject: ApiToken | None = getattr(row, "grant", None)
        self.clinic_id = self.subject.clinic_id if self.subject else None
        self.scopes = frozenset(self.subject.scopes) if self.subject else PASSWORD_SCOPES

    @classmethod
    def find(cls, text: str) -> ApiBearer | None:
        rows = AuthToken.objects.filter(token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH])
        for row in rows.select_related("user", "grant"):
            if compare_digest(hash_token(text), row.digest):
                return cls(row)
        return None

    @classmethod
    def list_live(cls, owner: User) -> list[ApiBearer]:
        """Tokens of `owner` that still open, newest first."""
        rows = AuthToken.objects.filter(Q(expiry__gt=timezone.now()) | Q(expiry__isnull=True), user=owner)
        return [cls(row) for row in rows.select_related("grant__clinic", "user").order_by("-created")]

    @classmethod
    def find_of(cls, owner: User, pk: str) -> ApiBearer | None:
        row = AuthToken.objects.select_related("grant", "user").filter(user=owner, pk=pk).first()
        return cls(row) if row else None

    @classmethod
    def end_all(cls, user: User) -> int:
        rows = AuthToken.objects.filter(user=user)
        count: int = rows.count()
        rows.delete()
        return count

    @classmethod
    def forget_expired(cls) -> None:
        AuthToken.objects.filter(expiry__lte=timezone.now()).delete()

    @property
    def pk(self) -> str:
        return str(self.row.pk)

    @property
    def scope_list(self) -> list[str]:
        return sort_scopes(self.scopes)

    @property
    def name(self) -> str:
        return self.subject.name if self.subject else "Made before tokens had names"

    @property
    def clinic(self) -> Clinic | None:
        return self.subject.clinic if self.subject else None

    @property
    def last_used_at(self) -> dt.datetime | None:
        return self.subject.last_used_at if self.subject else None

    @property
    def counted_as(self) -> str:
        return f"AuthToken:{self.row.pk}"[:100]

    def note_use(self) -> None:
        """Its first use is an event."""
        grant, now = self.subject, timezone.now()
        if grant is None or not _may_note(grant.last_used_at, now):
            return
        with transaction.atomic():
            won = _note_use(ApiToken, grant.pk, now)
            if won and grant.last_used_at is None:
                record_event(clinic_id=grant.clinic_id, action="token.first_used", actor=self.user, obj=grant)

    def _delete(self) -> None:
        self.row.delete()


class OAuthBearer(Bearer):
    """An access token that an application got, for a person or as its service account."""

    subject: OAuthApplication

    def __init__(self, row: AccessToken) -> None:
        self.row = row
        self.expires = row.expires
        self.subject = row.application
        self.clinic_id = row.application.clinic_id
        # An administrator may have narrowed the application since.
        self.scopes = frozenset(row.scope.split()) & set(row.application.scopes)

    @classmethod
    def find(cls, text: str) -> OAuthBearer | None:
        if not text.startswith(ACCESS_PREFIX):
            return None
        checksum = hashlib.sha256(text.encode()).hexdigest()
        rows = AccessToken.objects.select_related("user", "application__service")
        row = rows.filter(token_checksum=checksum, user__isnull=False, application__isnull=False).first()
        return cls(row) if row else None

    @classmethod
    def end_all(cls, user: User) -> int:
        return revoke_application_tokens(user=user)

    @classmethod
    def forget_expired(cls) -> None:
        """Spent refresh tokens stay while reuse would show a theft."""
        clear_expired()

    @property
    def counted_as(self) -> str:
        """The application and its user: it gets tokens as often as it likes.

        So it is counted for each membership (its service account, or a person who agreed) with which it
        acts in its one clinic.
        """
        return f"OAuthApplication:{self.subject.pk}:{self.user.pk}"

    def find_fault(self) -> tuple[str, str] | None:
        fault = super().find_fault()
        if fault is None and not self.subject.is_usable(None):
            return "application_closed", "The application of this token is closed."
        return fault

    def note_use(self) -> None:
        now = timezone.now()
        if _may_note(self.subject.last_used_at, now):
            _note_use(OAuthApplication, self.subject.pk, now)

    def _delete(self) -> None:
        revoke_access_token(self.row)


KINDS: tuple[type[Bearer], ...] = (OAuthBearer, ApiBearer)


def find_token(text: str) -> Bearer:
    """The live token with this text; its user is narrowed to its clinic.

    Raises TokenRefusedError (token_unknown, token_expired, token_owner_closed,
    application_closed).
    """
    token = next(filter(None, (kind.find(text) for kind in KINDS)), None)
    if token is None:
        raise TokenRefusedError(UNKNOWN, "Invalid token.")
    if fault := token.find_fault():
        note_refusal(token, fault[0])
        raise TokenRefusedError(*fault)
    token.user.clinic_limit = token.clinic_id
    token.note_use()
    return token


def note_refusal(token: Bearer | None, code: str, *, once_for: str = "", **details: Any) -> None:
    """Record that a token was refused, once a minute for each reason and token.

    Of an unknown token there is only `once_for`, the caller's address, which is not kept.
    """
    subject = token.row.pk if token else once_for
    key = hashlib.sha256(f"{code}:{sorted(details.items())}:{subject}".encode()).hexdigest()
    if not cache.add(f"token-refused:{key}", 1, timeout=WRITE_EVERY.total_seconds()):
        return
    said = {"reason": code, **details}
    if token is None:
        # From many addresses this comes without end.
        record_bounded(clinic_id=None, action="token.refused", details=said)
        return
    record_event(
        clinic_id=token.clinic_id, action="token.refused", actor=token.user, obj=token.subject, details=said
    )


def lock_tokens(*, user: User) -> None:
    """Lock every token of a person, in the order in which `revoke_all_tokens` ends them; within a transaction."""
    for rows in (
        RefreshToken.objects.filter(user=user),
        AccessToken.objects.filter(user=user),
        ApiToken.objects.filter(token__user=user),
        AuthToken.objects.filter(user=user),
    ):
        list(rows.select_for_update(of=("self",)).order_by("pk"))


def revoke_all_tokens(*, user: User) -> int:
    """End every program that works in this person's name; return how many tokens went."""
    return sum(kind.end_all(user) for kind in KINDS)


def forget_expired_tokens() -> None:
    for kind in KINDS:
        kind.forget_expired()


def _may_note(last: dt.datetime | None, now: dt.datetime) -> bool:
    return last is None or now - last >= WRITE_EVERY


def _note_use(model: type[ApiToken | OAuthApplication], pk: uuid.UUID, now: dt.datetime) -> int:
    """Compare-and-set: many calls at once write once."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - WRITE_EVERY)
    return model._default_manager.filter(stale, pk=pk).update(last_used_at=now)  # noqa: SLF001 (Django's)
