"""The words of a search: patient data, so that no address and no log may hold them.

They travel in a POST and are kept in the session under a random key; the address of the list carries
the key (`?search=…`). So a search holds for the list that it was made in, through its filters and
pages, and a later visit from the menu, which has no key, shows everything.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.common.encryption.keys import DecryptionError
from portal.common.encryption.texts import decrypt_text, encrypt_text

if TYPE_CHECKING:
    from portal.accounts.requests import PortalRequest

PARAMETER = "search"
SESSION_KEY = "searches"
SEARCH_LABEL = "session.search"
MOST_KEPT = 10
"""A session remembers as many searches as one goes back to; the oldest gives way."""


@dataclass(frozen=True)
class KeptSearch:
    """What the address of a list asks for. `is_over`: its words are no longer kept."""

    words: str = ""
    is_over: bool = False


def keep_search(request: PortalRequest, words: str) -> str:
    """Keep `words` for the current clinic and return their key; an empty text keeps nothing."""
    if not words:
        return ""
    key = secrets.token_urlsafe(9)
    kept = {**_read_all(request), key: [_clinic_of(request), encrypt_text(words, label=SEARCH_LABEL)]}
    request.session[SESSION_KEY] = dict(list(kept.items())[-MOST_KEPT:])
    return key


def read_search(request: PortalRequest) -> KeptSearch:
    """The search that the address names, as far as it was made in this session and clinic."""
    key = request.GET.get(PARAMETER, "")
    if not key:
        return KeptSearch()
    clinic, sealed = _read_all(request).get(key, ("", ""))
    if clinic != _clinic_of(request):
        return KeptSearch(is_over=True)
    try:
        return KeptSearch(decrypt_text(sealed, label=SEARCH_LABEL))
    except DecryptionError:
        return KeptSearch(is_over=True)


def _read_all(request: PortalRequest) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = request.session.get(SESSION_KEY, {})
    return kept


def _clinic_of(request: PortalRequest) -> str:
    return str(request.clinic.pk)
