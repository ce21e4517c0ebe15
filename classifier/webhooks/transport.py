"""HTTP transport: send one payload, and say what came of it. Knows nothing of the database.

The connection is pinned to a checked address, and over at its deadline. httpcore asks its network
backend for every connection; this one resolves and checks the name itself (`ssrf_guard`) and
connects to what it checked, so that a name that answers differently the next moment gains nothing.
Host, SNI and the certificate's name stay the host's: httpcore knows nothing of it.

No redirect is followed, no proxy of the environment used, nothing decompressed, and of the answer
only the first part is read.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from classifier.webhooks.ssrf_guard import RefusedAddressError, check_plain, read_url, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.webhooks.signing import Signer
    from classifier.webhooks.ssrf_guard import Address, Target

TRIED_ADDRESSES = 3
ANSWER_LIMIT = 2048
"""Bytes of an answer that are read and kept."""

USER_AGENT = "Dermaport-Webhooks/1"


@dataclass(frozen=True)
class DeliveryRequest:
    """What one attempt sends. Its repr is safe to log."""

    url: str = field(repr=False)
    event_id: str
    event_type: str
    body: bytes = field(repr=False)
    signer: Signer


@dataclass(frozen=True)
class DeliveryResult:
    """What came of it: delivered where `error_code` is empty."""

    error_code: str = ""
    status_code: int | None = None
    answer: str = field(default="", repr=False)
    milliseconds: int = 0


def send(request: DeliveryRequest) -> DeliveryResult:
    """Send `request` once. Expected trouble is a result with a code, nothing is raised for it."""
    started = time.monotonic()
    status: int | None = None
    answer = ""
    deadline = Deadline(settings.DERMAPORT_WEBHOOK_SECONDS)
    try:
        status, answer = _post(request, deadline)
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
    return DeliveryResult(code, status, answer, spent)


def _post(request: DeliveryRequest, deadline: Deadline) -> tuple[int, str]:
    target = read_url(request.url)
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
            request.url,
            headers=_head(request),
            content=request.body,
            extensions={"timeout": {"connect": connect, "read": total, "write": total, "pool": total}},
        ) as response,
    ):
        return response.status, _read_start(response)


def _head(request: DeliveryRequest) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        ("Dermaport-Event", request.event_type),
        ("Dermaport-Event-Id", request.event_id),
        *request.signer.sign(request.body, event_id=request.event_id, timestamp=int(time.time())),
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
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


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


class Deadline:
    """How much of a delivery's time is left, whatever its single steps would be granted."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, error: type[Exception], most: float | None = None) -> float:
        """Seconds left, at most `most`; raises `error` where none are."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise error("the time of this delivery is over")
        return seconds if most is None else min(seconds, most)


class BoundedStream(httpcore.NetworkStream):
    """A stream none of whose steps outlives the deadline: a byte now and then gains no time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(httpcore.ReadTimeout, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(httpcore.WriteTimeout, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout, timeout)
        return BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked a moment before, and to no others."""

    def __init__(self, target: Target, deadline: Deadline) -> None:
        self._target = target
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 (httpcore's names)
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.left(httpcore.ConnectTimeout, timeout)
        addresses = resolve(host, port, seconds=seconds)
        check_plain(self._target, addresses)
        stream = self._connect(addresses[:TRIED_ADDRESSES], port, timeout)
        return BoundedStream(stream, self._deadline)

    def _connect(self, addresses: list[Address], port: int, timeout: float | None) -> httpcore.NetworkStream:
        trouble: Exception = RefusedAddressError("name_not_found", "The name can't be found.")
        for address in addresses:
            left = self._deadline.left(httpcore.ConnectTimeout, timeout)
            try:
                return self._sockets.connect_tcp(str(address), port, left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("webhooks go to no socket of this machine")


@register(Tags.security)
def check_webhooks(**_: Any) -> list[CheckMessage]:
    """System checks: networks that can be read, a lease that outlives a delivery, a file that is there."""
    found: list[CheckMessage] = []
    for text in settings.DERMAPORT_WEBHOOK_NETWORKS:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            found.append(Error(f"DERMAPORT_WEBHOOK_NETWORKS: {error}.", id="webhooks.E001"))
    lease, longest = settings.DERMAPORT_LEASE_SECONDS, settings.DERMAPORT_WEBHOOK_SECONDS
    if lease <= longest:
        found.append(
            Error(
                f"A lease ({lease} s) must outlive a webhook's delivery ({longest:g} s).",
                hint="Lower DERMAPORT_WEBHOOK_SECONDS.",
                id="webhooks.E002",
            )
        )
    file = settings.DERMAPORT_WEBHOOK_CA_FILE
    if file and not Path(file).is_file():
        found.append(Error(f"DERMAPORT_WEBHOOK_CA_FILE: there is no file {file}.", id="webhooks.E003"))
    return found
