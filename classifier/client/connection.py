"""Retries: one request, made again until it is answered, refused or out of patience."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Generic, TypeVar

import httpx

from classifier.client.credentials import Credentials, read_site
from classifier.client.errors import (
    TOO_MANY,
    UNAVAILABLE,
    ApiError,
    LostConnectionError,
    ProtocolError,
    RetryPolicy,
    StoppedError,
    may_repeat,
    read_problem,
)

UNAUTHORIZED, NOT_MODIFIED = 401, 304
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
AGENT = "dermaport-client"
OF_EVERYBODY = frozenset({TOO_MANY, UNAVAILABLE})
"""After these no thread of the connection calls before the pause is over."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is asked. With `key` a POST can be made again: the server does it once."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    files: Sequence[tuple[str, tuple[str, bytes]]] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    seconds: float = ANSWER_SECONDS

    @property
    def is_safe(self) -> bool:
        return self.method == "GET" or bool(self.key)


class Connection:
    """Of one caller to one portal. Threads may share it: when one is told to wait, all do."""

    def __init__(
        self,
        site: str,
        credentials: Credentials,
        *,
        retries: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.site = read_site(site)
        self.retries = retries or RetryPolicy()
        self._credentials = credentials
        self._http = httpx.Client(
            base_url=self.site,
            transport=transport,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"User-Agent": AGENT},
        )
        self._stopping = Event()
        self._lock = Lock()
        self._quiet_until = 0.0

    def close(self) -> None:
        self._http.close()

    def stop(self) -> None:
        """End every pause: what waits raises StoppedError."""
        self._stopping.set()

    def send(self, call: Call) -> httpx.Response:
        """Raise ApiError, LostConnectionError or StoppedError; a 304 is an answer too."""
        until, attempt, has_renewed = time.monotonic() + self.retries.patience, 0, False
        while True:
            self._wait_for_quiet()
            token = ""
            try:
                token = self._credentials.token(self._http)
                answer = self._send_once(call, token)
                if answer.is_success or answer.status_code == NOT_MODIFIED:
                    return answer
                raise read_problem(answer)
            except httpx.InvalidURL:
                raise ProtocolError("An address that can't be called.") from None
            except httpx.TransportError as error:
                # From None: the request stands in the original, and a patient in that.
                lost = LostConnectionError(f"No answer ({type(error).__name__}).")
                if token and not call.is_safe and not isinstance(error, httpx.ConnectError):
                    raise lost from None
                self._pause(None, attempt, until, lost)
            except ApiError as problem:
                # Without a token nothing was asked yet: the token endpoint refused.
                is_refused = bool(token) and problem.status == UNAUTHORIZED
                if is_refused and not has_renewed and self._credentials.renew(token):
                    has_renewed = True
                    continue
                if not may_repeat(problem, is_safe=call.is_safe or not token):
                    raise
                self._pause(problem.retry_after, attempt, until, problem)
            attempt += 1

    def _send_once(self, call: Call, token: str) -> httpx.Response:
        headers = {"Accept": "application/json", **call.headers, "Authorization": f"Bearer {token}"}
        if call.key:
            headers["Idempotency-Key"] = call.key
        return self._http.request(
            call.method,
            call.path,
            params=call.params,
            json=call.json,
            data=call.form,
            files=call.files,
            headers=headers,
            timeout=httpx.Timeout(call.seconds, connect=CONNECT_SECONDS),
        )

    def _pause(
        self, asked: float | None, attempt: int, until: float, problem: ApiError | LostConnectionError
    ) -> None:
        seconds = self.retries.pause(attempt) if asked is None else max(asked, self.retries.first)
        now = time.monotonic()
        if now + seconds > until:
            raise problem from None
        if isinstance(problem, ApiError) and problem.status in OF_EVERYBODY:
            with self._lock:
                self._quiet_until = max(self._quiet_until, now + seconds)
        else:
            self.sleep(seconds)

    def _wait_for_quiet(self) -> None:
        while (left := self._quiet_until - time.monotonic()) > 0:
            self.sleep(left)

    def sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise StoppedError("Stopped.")


def make_key() -> str:
    return str(uuid.uuid4())


# --- Pagination ---------------------------------------------------------------------------------


Row = TypeVar("Row")

LARGEST = 100
Filter = str | bool | int | dt.datetime | dt.date | Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the places of the pages beside it; None where there is none."""

    results: tuple[Row, ...]
    next: str | None
    previous: str | None


def write_filters(filters: Mapping[str, Filter]) -> dict[str, Any]:
    """As the API takes them; what is None is left out, and several values repeat the name."""
    return {name: write_value(value) for name, value in filters.items() if value is not None}


def write_value(value: Filter) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise ValueError("expected a moment with its time zone, received one without")
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return [str(one) for one in value or ()]
