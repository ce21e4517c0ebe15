"""The connection of one delivery: pinned to a checked address, and over at its deadline.

httpcore asks its network backend for every connection; this one resolves and checks the name itself
and connects to what it checked, so that a name that answers differently the next moment
gains nothing. Host, SNI and the certificate's name stay the host's: httpcore knows nothing of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpcore

from classifier.webhooks.names import resolve
from classifier.webhooks.networks import RefusedAddressError
from classifier.webhooks.ssrf_guard import check_plain

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from classifier.webhooks.networks import Address
    from classifier.webhooks.ssrf_guard import Target

TRIED_ADDRESSES = 3


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
