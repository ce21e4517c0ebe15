"""Which addresses the portal calls: public ones, and those of networks that its operator names."""

from __future__ import annotations

import ipaddress

from django.conf import settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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


def _private() -> RefusedAddressError:
    return RefusedAddressError(
        "address_refused",
        "The portal calls public addresses only, and this one isn't. "
        "Your operator can allow a network of the hospital.",
    )
