"""Signatures: HMAC-SHA256 over the time of sending, a full stop and the body, as sent.

    Dermaport-Signature: t=1767225600,v1=5257a8…,v1=9f3c1b…

While a secret is being changed there are two, made with the new and the former one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 (how a secret begins, so that a scanner finds a lost one)


def make_secret() -> str:
    return SECRET_PREFIX + random.token_urlsafe(32)


def sign(body: bytes, *, secrets: Iterable[str], timestamp: int) -> str:
    """The header's value, with one signature a secret."""
    signatures = [f"v1={compute_signature(body, secret=secret, timestamp=timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])


def compute_signature(body: bytes, *, secret: str, timestamp: int) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
