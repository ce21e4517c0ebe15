"""Credentials: a token, a file that holds one, or OAuth 2 client credentials."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import httpx

from classifier.client.errors import ApiError, ConfigurationError, ProtocolError, read_retry_after

OAUTH_TOKEN = "/oauth/token/"  # noqa: S105 - an address
EARLY_SECONDS = 60.0


class Credentials(Protocol):
    def token(self, http: httpx.Client) -> str:
        """The token to send now."""

    def renew(self, refused: str) -> bool:
        """Whether another token than the one that was refused can be had."""


@dataclass(frozen=True)
class Token:
    """A token as it was shown: dp_… or dpo_…"""

    text: str = field(repr=False)

    def token(self, http: httpx.Client) -> str:  # noqa: ARG002 - as every credential
        return check_token(self.text)

    def renew(self, refused: str) -> bool:  # noqa: ARG002
        return False


@dataclass
class TokenFile:
    """A file with one line, read again when the token in it is refused: it may have been replaced."""

    path: Path

    def token(self, http: httpx.Client) -> str:  # noqa: ARG002
        return self._read()

    def renew(self, refused: str) -> bool:
        return self._read() != refused

    def _read(self) -> str:
        try:
            return check_token(self.path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The token file can't be read ({type(error).__name__}).") from None


@dataclass
class ClientCredentials:
    """A system that acts by itself: a token is fetched, and another before it ends."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    _text: str = field(default="", init=False, repr=False, compare=False)
    _ends: float = field(default=0.0, init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def token(self, http: httpx.Client) -> str:
        with self._lock:
            if not self._text or self.clock() >= self._ends:
                self._fetch(http)
            return self._text

    def renew(self, refused: str) -> bool:
        with self._lock:
            if self._text == refused:
                self._text = ""
        return True

    def _fetch(self, http: httpx.Client) -> None:
        asked = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        answer = http.post(OAUTH_TOKEN, data=asked, auth=(self.client_id, self.client_secret))
        try:
            told = answer.json()
            if answer.is_success:
                self._text = check_token(told["access_token"])
                self._ends = self.clock() + float(told["expires_in"]) - EARLY_SECONDS
                return
            code = str(told["error"])
        except (ValueError, TypeError, KeyError):
            if answer.is_success:
                raise ProtocolError("The token endpoint's answer can't be read.") from None
            code = "token_endpoint"
        raise ApiError(answer.status_code, code, retry_after=read_retry_after(answer))


def check_token(text: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("The token is empty, or holds what no token holds.")
    return token


# --- Portal address -----------------------------------------------------------------------------
# When it is safe to send a token there.


API = "/api/v1"


def read_site(address: str) -> str:
    """`https://portal.example.org`, of whatever of it was given. Raise ConfigurationError."""
    parts = urlsplit(address.strip())
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError("The portal's address reads https://portal.example.org.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError("The portal's address holds more than an address.")
    if parts.scheme == "http" and not is_this_machine(host):
        raise ConfigurationError("The portal's address must begin with https://: a token is sent there.")
    path = parts.path.rstrip("/").removesuffix(API)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{path}"


def is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_cursor(link: str | None) -> str | None:
    """The place that `next` or `previous` names. The rest of the link is not followed: a token goes
    to the address that was configured and nowhere else.
    """
    if not link:
        return None
    found = parse_qs(urlsplit(link).query).get("cursor")
    return found[0] if found else None


# --- Environment --------------------------------------------------------------------------------
# No secret comes from the command line: every process of a machine can read that.


URL = "DERMAPORT_URL"
TOKEN = "DERMAPORT_TOKEN"  # noqa: S105 - the variable's name
TOKEN_FILE = "DERMAPORT_TOKEN_FILE"  # noqa: S105
CLIENT_ID = "DERMAPORT_CLIENT_ID"
CLIENT_SECRET = "DERMAPORT_CLIENT_SECRET"  # noqa: S105
SCOPE = "DERMAPORT_SCOPE"


def read_site_setting(environment: Mapping[str, str] | None = None, *, given: str = "") -> str:
    site = given or (os.environ if environment is None else environment).get(URL, "")
    if not site:
        raise ConfigurationError(f"Say where the portal is: {URL}=https://portal.example.org")
    return site


def read_credentials(
    environment: Mapping[str, str] | None = None, *, token_file: Path | None = None
) -> Credentials:
    """Of a file that was named, else of the environment. Raise ConfigurationError."""
    found = os.environ if environment is None else environment
    if token_file is not None:
        return TokenFile(token_file)
    if found.get(TOKEN):
        return Token(found[TOKEN])
    if found.get(TOKEN_FILE):
        return TokenFile(Path(found[TOKEN_FILE]))
    if found.get(CLIENT_ID) and found.get(CLIENT_SECRET):
        return ClientCredentials(found[CLIENT_ID], found[CLIENT_SECRET], found.get(SCOPE, ""))
    raise ConfigurationError(f"Say who calls: {TOKEN}, {TOKEN_FILE}, or {CLIENT_ID} with {CLIENT_SECRET}.")
