"""What a name resolves to, if the portal may call all of it."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

from classifier.webhooks.networks import RefusedAddressError, check_address

if TYPE_CHECKING:
    from classifier.webhooks.networks import Address


def resolve(host: str, port: int, *, seconds: float) -> list[Address]:
    """The addresses of `host`, all of them allowed. Raises RefusedAddressError.

    One refused address among them refuses the name: what is public and what is inside must not
    depend on which answer comes first.
    """
    addresses = list(dict.fromkeys(_look_up(host, port, seconds)))
    if not addresses:
        raise _unknown_name(host)
    for address in addresses:
        check_address(address)
    return addresses


def _look_up(host: str, port: int, seconds: float) -> list[Address]:
    """As the system resolves it. Its own time limit can't be set, so it is asked in a thread."""
    found: list[Address] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ipaddress.ip_address(str(row[4][0])) for row in rows)

    thread = threading.Thread(target=ask, name="webhook-name", daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)


def _unknown_name(host: str) -> RefusedAddressError:
    return RefusedAddressError("name_not_found", f"The name {host} can't be found. Check how it is written.")
