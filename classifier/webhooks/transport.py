"""Send one letter, and say what came of it. Knows nothing of the database.

No redirect is followed, no proxy of the environment used, nothing decompressed, and of the answer
only the first part is read.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from functools import cache

import httpcore
import httpx
from django.conf import settings

from classifier.webhooks.connection import Deadline, PinnedBackend
from classifier.webhooks.networks import RefusedAddressError
from classifier.webhooks.signatures import sign
from classifier.webhooks.ssrf_guard import read_url

ANSWER_LIMIT = 2048
"""Bytes of an answer that are read and kept."""

USER_AGENT = "Dermaport-Webhooks/1"


@dataclass(frozen=True)
class Letter:
    """What one attempt sends. Its repr is safe to log."""

    url: str = field(repr=False)
    event_id: str
    event_type: str
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Result:
    """What came of it: delivered where `error_code` is empty."""

    error_code: str = ""
    status_code: int | None = None
    answer: str = field(default="", repr=False)
    milliseconds: int = 0


def send(letter: Letter) -> Result:
    """Send `letter` once. Expected trouble is a Result with a code, nothing is raised for it."""
    started = time.monotonic()
    status: int | None = None
    answer = ""
    deadline = Deadline(settings.DERMAPORT_WEBHOOK_SECONDS)
    try:
        status, answer = _post(letter, deadline)
        code = _judge(status)
    except RefusedAddressError as error:
        code = error.code
    except httpcore.TimeoutException:
        code = "timed_out"
    except (
        ssl.SSLError,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        code = _name_trouble(error)
    spent = round((time.monotonic() - started) * 1000)
    return Result(code, status, answer, spent)


def _post(letter: Letter, deadline: Deadline) -> tuple[int, str]:
    target = read_url(letter.url)
    connect, total = settings.DERMAPORT_WEBHOOK_CONNECT_SECONDS, settings.DERMAPORT_WEBHOOK_SECONDS
    pool = httpcore.ConnectionPool(
        ssl_context=trust(settings.DERMAPORT_WEBHOOK_CA_FILE),
        max_connections=1,
        network_backend=PinnedBackend(target, deadline),
    )
    with (
        pool,
        pool.stream(
            "POST",
            letter.url,
            headers=_head(letter),
            content=letter.body,
            extensions={"timeout": {"connect": connect, "read": total, "write": total, "pool": total}},
        ) as response,
    ):
        return response.status, _read_start(response)


def _head(letter: Letter) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        ("Dermaport-Event", letter.event_type),
        ("Dermaport-Event-Id", letter.event_id),
        ("Dermaport-Signature", sign(letter.body, secrets=letter.secrets, timestamp=int(time.time()))),
    ]


def _read_start(response: httpcore.Response) -> str:
    """The first bytes of the answer as text. What comes late or broken doesn't undo the status."""
    start = b""
    try:
        for part in response.iter_stream():
            start += part
            if len(start) >= ANSWER_LIMIT:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    text = start[:ANSWER_LIMIT].decode(errors="replace")
    # PostgreSQL stores no NUL, and a page shows no control characters.
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def _judge(status: int) -> str:
    if httpx.codes.is_success(status):
        return ""
    return "redirected" if httpx.codes.is_redirect(status) else "status_refused"


def _name_trouble(error: Exception) -> str:
    step: BaseException | None = error
    while step is not None:
        if isinstance(step, ssl.SSLError):
            return "tls_failed"
        step = step.__cause__ or step.__context__
    return "answer_broken" if isinstance(error, httpcore.ProtocolError) else "connection_failed"


@cache
def trust(ca_file: str) -> ssl.SSLContext:
    """Whose certificates are believed: the public authorities, and the hospital's own."""
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(ca_file)
    return context
