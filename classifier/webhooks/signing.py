"""Signing: an endpoint's secrets at rest, and the signature of a payload.

Secrets are encrypted with a key that is derived from the site's own secret; SECRET_KEY_FALLBACKS
still open what they closed, so that the site's secret can be changed.

The signature is the HMAC-SHA256 over the time of sending, a full stop and the body, as sent.

    Dermaport-Signature: t=1767225600,v1=5257a8…,v1=9f3c1b…

While a secret is being changed there are two, made with the new and the former one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from typing import TYPE_CHECKING

from django.utils import timezone

from classifier.models import WebhookEndpoint
from portal.common import sealing
from portal.common.resealing import resealer

if TYPE_CHECKING:
    from collections.abc import Iterable

PURPOSE = "dermaport webhook secrets"
COLUMNS = ("sealed_secret", "sealed_previous")
SECRET_PREFIX = "whsec_"  # noqa: S105 (how a secret begins, so that a scanner finds a lost one)


class LostSecretError(Exception):
    """The site's secret was changed and the former one is not among its fallbacks."""


def make_secret() -> str:
    return SECRET_PREFIX + random.token_urlsafe(32)


def sign(body: bytes, *, secrets: Iterable[str], timestamp: int) -> str:
    """The header's value, with one signature a secret."""
    signatures = [f"v1={compute_signature(body, secret=secret, timestamp=timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])


def compute_signature(body: bytes, *, secret: str, timestamp: int) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def seal(secret: str) -> str:
    return sealing.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSecretError."""
    opened = sealing.unseal(sealed, purpose=PURPOSE)
    if opened is None:
        raise LostSecretError
    return opened.decode()


def read_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that sign now: the current one and, until its time is over, the previous one."""
    found = [unseal(endpoint.sealed_secret)]
    if endpoint.previous_until is not None and endpoint.previous_until > timezone.now():
        found.append(unseal(endpoint.sealed_previous))
    return tuple(found)


@resealer("webhooks")
def reseal_secrets() -> int:
    """Seal anew what is under a former SECRET_KEY; return how many rows that were."""
    count = 0
    for endpoint in WebhookEndpoint.objects.kept():
        stored = {name: getattr(endpoint, name) for name in COLUMNS}
        changed = {name: _reseal(text) for name, text in stored.items()}
        if changed != stored:
            # Unless the secret was rotated just now: then it is under the present key.
            count += WebhookEndpoint.objects.filter(pk=endpoint.pk, **stored).update(**changed)
    return count


def _reseal(text: str) -> str:
    return sealing.reseal(text, purpose=PURPOSE) if text else ""
