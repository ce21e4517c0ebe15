"""Webhook signatures: whether a delivery came from the portal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"


def is_genuine(
    secret: str, headers: Mapping[str, str] | str, body: bytes, tolerance: int = TOLERANCE_SECONDS
) -> bool:
    """Whether `body`, as received, was signed with `secret` within the last minutes.

    `headers` are those of the request. The signature is that of the Standard Webhooks
    specification or, from a webhook that was set up before it, the former header; that header's
    value alone may be given instead of all headers.
    """
    if isinstance(headers, str):
        return _is_signed_formerly(secret, headers, body, tolerance)
    found = {name.lower(): value for name, value in headers.items()}
    # For some hours after a secret was changed, the former one signs in its own way beside it.
    former = found.get("dermaport-signature", "")
    return _is_signed(secret, found, body, tolerance) or _is_signed_formerly(secret, former, body, tolerance)


def _is_signed(secret: str, headers: Mapping[str, str], body: bytes, tolerance: int) -> bool:
    event_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event_id or not _is_recent(stamp, tolerance):
        return False
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # a secret from before the specification
        return False
    signed = f"{event_id}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
    return bool(key) and any(
        version == "v1" and hmac.compare_digest(value.encode(), expected) for version, _, value in given
    )


def _is_signed_formerly(secret: str, header: str, body: bytes, tolerance: int) -> bool:
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not _is_recent(stamps[0], tolerance):
        return False
    signed = f"{stamps[0]}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(value.encode(), expected.encode()) for value in given)


def _is_recent(stamp: str, tolerance: int) -> bool:
    return bool(re.fullmatch("[0-9]{1,12}", stamp)) and abs(time.time() - int(stamp)) <= tolerance
