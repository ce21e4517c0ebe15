"""What a call shows who it is by: a token, a file that holds one, or OAuth 2 client credentials."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

import httpx

from classifier.client.errors import ApiError, ConfigurationError, ProtocolError
from classifier.client.retrying import read_retry_after

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
