"""Where a webhook may go: https, a public address, a known port.

A clinic names the address, and the portal calls it from inside the hospital's network. So the
address is looked at twice: as text, and as what its name resolves to, when it is saved and again at
each delivery, whose connection then goes to exactly what was looked at.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from classifier.webhooks.names import resolve
from classifier.webhooks.networks import RefusedAddressError, check_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.webhooks.networks import Address

URL_LIMIT = 500
HOST_LIMIT = 253
DEFAULT_PORTS = {"https": 443, "http": 80}
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)


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


def _invalid(message: str) -> RefusedAddressError:
    return RefusedAddressError("address_invalid", message)
