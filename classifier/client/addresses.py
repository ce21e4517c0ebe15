"""Where the portal is, and when it is safe to send a token there."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from classifier.client.errors import ConfigurationError

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
