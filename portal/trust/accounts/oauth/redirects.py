"""Redirect addresses: where a person may be sent with a code: exact, over TLS, or the own device."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models.oauth_application import LOOPBACK

if TYPE_CHECKING:
    from django.http import QueryDict


MOST = 10
LONGEST = 500


def clean_redirects(text: str, *, on_device: bool) -> str:
    """The addresses, one a line, as they are stored.

    Raises PeopleError (redirect_missing, redirect_refused).
    """
    addresses = list(dict.fromkeys(text.split()))
    if not addresses:
        raise PeopleError(
            "redirect_missing", "Give the address that people return to.", field="redirect_uris"
        )
    if len(addresses) > MOST:
        raise _refuse(f"Give at most {MOST} addresses, received {len(addresses)}.")
    for address in addresses:
        _check(address, on_device=on_device)
    return " ".join(addresses)


def _check(address: str, *, on_device: bool) -> None:
    if len(address) > LONGEST:
        raise _refuse(f"An address may have {LONGEST} characters, received {len(address)}.")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _refuse(f"{address} is no address.") from None
    if "#" in address or "@" in parts.netloc or "*" in address or not address.isascii():
        raise _refuse(f"{address} holds a fragment, a log-in, a star or a letter that is not ASCII.")
    if parts.scheme == "http" and host in LOOPBACK and on_device:
        return
    if parts.scheme != "https" or not host:
        raise _refuse(
            f"{address} must start with https://. Apps on a device may use http://127.0.0.1 and http://[::1]."
        )


def _refuse(words: str) -> PeopleError:
    return PeopleError("redirect_refused", words, field="redirect_uris")


# --- NUL characters -----------------------------------------------------------------------------
# PostgreSQL refuses them: what holds one is refused before it is looked up.


NUL = "\x00"


def holds_nul(given: QueryDict) -> bool:
    return any(NUL in value for _, values in given.lists() for value in values)
