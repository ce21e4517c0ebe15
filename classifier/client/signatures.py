"""Whether a webhook's letter came from the portal."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

HEADER = "Dermaport-Signature"
TOLERANCE_SECONDS = 300


def is_genuine(secret: str, header: str, body: bytes, tolerance: int = TOLERANCE_SECONDS) -> bool:
    """Whether `body`, as received, was signed with `secret` within the last minutes."""
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t" and re.fullmatch("[0-9]{1,12}", value)]
    if len(stamps) != 1 or abs(time.time() - int(stamps[0])) > tolerance:
        return False
    signed = f"{stamps[0]}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(value.encode(), expected.encode()) for value in given)
