"""Webhook signatures: an endpoint's secrets at rest, and the signature of a payload.

Secrets at rest are sealed under the site's encryption keys, as every stored secret is.

A payload is signed as the Standard Webhooks specification says (https://www.standardwebhooks.com),
for which receivers find verified libraries. While a secret is being changed there are two
signatures, made with the new and the previous one.

    webhook-id: 6f0c…
    webhook-timestamp: 1767225600
    webhook-signature: v1,K5oZfz…= v1,n3xWu1…=

An endpoint that was set up before that keeps the former header until its secret is changed, and for
the hours in which the previous secret signs too, each signs in its own way:

    Dermaport-Signature: t=1767225600,v1=5257a8…
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets as random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils import timezone
from standardwebhooks import Webhook

from classifier.domain.vocabulary import SignatureScheme
from classifier.models import WebhookEndpoint
from portal.trust.encryption import sealed as encryption
from portal.trust.encryption.keys import DecryptionError
from portal.trust.encryption.rotation import resealer

if TYPE_CHECKING:
    from collections.abc import Iterable

PURPOSE = "dermaport webhook secrets"
COLUMNS = ("sealed_secret", "sealed_previous")
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 (how a secret begins, so that a scanner finds a lost one)


class LostSecretError(Exception):
    """None of the site's keys opens it."""


@dataclass(frozen=True)
class Signer:
    """The secrets that sign now, newest first, and how. Its repr is safe to log."""

    secrets: tuple[str, ...] = field(repr=False)
    scheme: str = SignatureScheme.STANDARD

    def sign(self, body: bytes, *, event_id: str, timestamp: int) -> list[tuple[str, str]]:
        """The headers with the signatures of `body`, sent at `timestamp` (seconds since 1970)."""
        if self.scheme == SignatureScheme.FORMER:
            return [_sign_formerly(body, secrets=self.secrets, timestamp=timestamp)]
        is_changing = self.scheme == SignatureScheme.CHANGING
        new, previous = (self.secrets[:1], self.secrets[1:]) if is_changing else (self.secrets, ())
        moment = dt.datetime.fromtimestamp(timestamp, dt.UTC)
        signatures = [Webhook(secret).sign(event_id, moment, body.decode()) for secret in new]
        headers = [
            ("webhook-id", event_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", " ".join(signatures)),
        ]
        if previous:
            headers.append(_sign_formerly(body, secrets=previous, timestamp=timestamp))
        return headers


def _sign_formerly(body: bytes, *, secrets: Iterable[str], timestamp: int) -> tuple[str, str]:
    """The former header: HMAC-SHA256 over the time of sending, a full stop and the body."""
    signed = f"{timestamp}.".encode() + body
    found = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return "Dermaport-Signature", ",".join([f"t={timestamp}", *(f"v1={one}" for one in found)])


def make_secret() -> str:
    """A new secret of 32 random bytes, as Standard Webhooks writes them."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()


def seal(secret: str) -> str:
    return encryption.seal(secret.encode(), purpose=PURPOSE)


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSecretError."""
    try:
        return encryption.unseal(sealed, purpose=PURPOSE).decode()
    except DecryptionError as error:
        raise LostSecretError from error


def read_signer(endpoint: WebhookEndpoint) -> Signer:
    """Who signs for `endpoint` now. Raises LostSecretError."""
    return Signer(read_secrets(endpoint), endpoint.signature_scheme)


def read_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that sign now: the current one and, until its time is over, the previous one."""
    found = [unseal(endpoint.sealed_secret)]
    if endpoint.previous_until is not None and endpoint.previous_until > timezone.now():
        found.append(unseal(endpoint.sealed_previous))
    return tuple(found)


@resealer("webhooks")
def reseal_secrets() -> int:
    """Seal anew what is under another key; return how many rows that were."""
    return encryption.reseal_columns(WebhookEndpoint.objects.kept(), *COLUMNS, purpose=PURPOSE)
