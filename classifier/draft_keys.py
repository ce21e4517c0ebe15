"""Keys for the draft of a new case that a browser keeps on its device.

A reload, the back button or a phone that drops the tab must lose neither words nor photos, so the page
keeps them in the browser, encrypted (portal/static/portal/js/sealed-store.js). What lies on the device
is unreadable without a key that is never stored there:

- With the draft lies a ticket, which names the person, a random number and when it was made, signed.
- The key is made from the ticket and SECRET_KEY, and given only to this person while they are logged in.
- A ticket is good for as long as a log-in may last (SESSION_COOKIE_AGE), and for no second person.

Not bound to one session on purpose: a phone that slept through the idle limit has lost its session, and
the same person who logs in again should find the photos. Log-out, sending, *Discard*, another person's
page and age erase the draft; on a shared machine what a crash leaves behind opens for nobody else.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing

from portal.common.encryption.sealed import digest

if TYPE_CHECKING:
    from portal.accounts.models import User

SALT = "classifier.draft_keys"
LONGEST_TICKET = 500


class ClosedDraftError(Exception):
    """The ticket opens nothing, or not for this person, or not any more."""


@dataclass(frozen=True)
class DraftKey:
    """`ticket` may lie beside the draft; `key` (AES-256, base64) must not."""

    ticket: str
    key: str = field(repr=False)


def issue_key(*, person: User) -> DraftKey:
    """A key for a new draft."""
    ticket = signing.dumps([str(person.pk), secrets.token_urlsafe(16)], salt=SALT)
    return DraftKey(ticket, _derive(ticket))


def reopen_key(*, person: User, ticket: str) -> DraftKey:
    """The key of an earlier draft. Raises ClosedDraftError."""
    try:
        owner, _ = signing.loads(ticket[:LONGEST_TICKET], salt=SALT, max_age=settings.SESSION_COOKIE_AGE)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise ClosedDraftError from error
    if owner != str(person.pk):
        raise ClosedDraftError
    return DraftKey(ticket, _derive(ticket))


def _derive(ticket: str) -> str:
    key = bytes.fromhex(digest(ticket.encode(), purpose="dermaport key of a draft on a device"))
    return base64.b64encode(key).decode()
