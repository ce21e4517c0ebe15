"""SSRF guard: where a webhook may go. https, a public address, a known port.

A clinic names the address, and the portal calls it from inside the hospital's network. So the
address is looked at twice: as text, and as what its name resolves to, when it is saved and again at
each delivery, whose connection then goes to exactly what was looked at. The only private addresses
that are called are those of networks that the operator names.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_LIMIT = 500
HOST_LIMIT = 253
DEFAULT_PORTS = {"https": 443, "http": 80}
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)


def read_networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Beyond what `is_global` refuses, which differs between versions of Python.
REFUSED = read_networks(
    "0.0.0.0/8",
    "100.64.0.0/10",
    "168.63.129.16/32",  # a cloud's own services, at a public address
    "192.0.0.0/24",
    "192.88.99.0/24",
    "224.0.0.0/3",
    "100::/64",
    "2001::/23",
    "fec0::/10",
    "ff00::/8",
)
# IPv6 that means an IPv4 address: compatible, mapped, translated, NAT64, 6to4, Teredo.
CARRIERS = read_networks(
    *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
    *("2002::/16", "2001::/32"),
)
LOOPBACK = ipaddress.IPv6Address("::1")
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class RefusedAddressError(Exception):
    """The portal doesn't call this address; `code` for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Target:
    """An address taken apart, in the form in which it is called."""

    scheme: str
    host: str
    port: int


def read_url(url: str) -> Target:
    """Take `url` apart without looking its name up. Raises RefusedAddressError."""
    if len(url) > URL_LIMIT:
        raise RefusedAddressError(
            "address_too_long", f"The address has {len(url)} characters; it can have {URL_LIMIT}."
        )
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise _invalid("The address holds a character that doesn't belong there. Write names in ASCII.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _invalid("This is no address. Give one such as https://ehr.example/hooks.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise RefusedAddressError("https_needed", "The address must begin with https://.")
    if "@" in parts.netloc:
        raise RefusedAddressError("address_with_log_in", "An address can't hold a name and a password.")
    if parts.fragment:
        raise _invalid("Leave out the part after #: it isn't sent.")
    host = _read_host(host)
    target = Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme])
    _check_way(target)
    return target


def check_url(url: str) -> Target:
    """All checks of a new address: its text and what its name resolves to now."""
    target = read_url(url)
    addresses = resolve(target.host, target.port, seconds=settings.DERMAPORT_WEBHOOK_CONNECT_SECONDS)
    check_plain(target, addresses)
    return target


def check_plain(target: Target, addresses: Sequence[Address]) -> None:
    """Without TLS only to this machine itself, and only where that is switched on."""
    if target.scheme == "http" and not all(address.is_loopback for address in addresses):
        raise RefusedAddressError("https_needed", "The address must begin with https://.")


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


def check_address(address: Address) -> None:
    """Raise RefusedAddressError unless the portal may call `address`."""
    if _carries_ipv4(address):
        raise _private()
    if any(address in network for network in read_networks(*settings.DERMAPORT_WEBHOOK_NETWORKS)):
        return
    if address.is_loopback and settings.DERMAPORT_WEBHOOK_LOOPBACK:
        return
    if not address.is_global or any(address in network for network in REFUSED):
        raise _private()
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        raise _private()


def _carries_ipv4(address: Address) -> bool:
    """Refused even where the address inside is allowed: it need not be where it says."""
    if isinstance(address, ipaddress.IPv4Address) or address == LOOPBACK:
        return False
    return bool(address.scope_id) or any(address in network for network in CARRIERS)


def _check_way(target: Target) -> None:
    is_loopback = settings.DERMAPORT_WEBHOOK_LOOPBACK and target.host in ("localhost", "127.0.0.1", "::1")
    if target.scheme == "http" and not is_loopback:
        raise RefusedAddressError("https_needed", "The address must begin with https://.")
    ports = settings.DERMAPORT_WEBHOOK_PORTS
    if target.port not in ports and not is_loopback:
        raise RefusedAddressError(
            "port_refused",
            f"Port {target.port} isn't called; allowed: {', '.join(map(str, ports))}. "
            "Your operator can allow more.",
        )


def _read_host(host: str) -> str:
    """A name of plain labels or a plain IP address; no other way to write a number."""
    host = host.lower().removesuffix(".")
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            raise _invalid("This is no IPv6 address.") from None
        check_address(address)
        return str(address)
    labels = host.split(".")
    if len(host) > HOST_LIMIT or not all(LABEL.fullmatch(label) for label in labels):
        raise _invalid("This is no name of a machine. Give an address such as https://ehr.example/hooks.")
    # As in the WHATWG's URL standard: what ends in a number is an IPv4 address or nothing.
    if NUMBER.fullmatch(labels[-1]):
        try:
            check_address(ipaddress.IPv4Address(host))
        except ValueError:
            raise _invalid("Write an IPv4 address as four decimal numbers.") from None
    return host


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


def _private() -> RefusedAddressError:
    return RefusedAddressError(
        "address_refused",
        "The portal calls public addresses only, and this one isn't. "
        "Your operator can allow a network of the hospital.",
    )


def _invalid(message: str) -> RefusedAddressError:
    return RefusedAddressError("address_invalid", message)
