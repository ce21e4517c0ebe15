"""Secrets at rest: encrypted with a key that is derived from the site's own secret.

SECRET_KEY_FALLBACKS still open what they closed, so that the site's secret can be changed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone
from django.utils.encoding import force_bytes

if TYPE_CHECKING:
    from classifier.models import WebhookEndpoint

PURPOSE = b"dermaport webhook secrets"


class LostSecretError(Exception):
    """The site's secret was changed and the former one is not among its fallbacks."""


def seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again. Raises LostSecretError."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise LostSecretError from error


def read_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that sign now: the current one and, until its time is over, the previous one."""
    found = [unseal(endpoint.sealed_secret)]
    if endpoint.previous_until is not None and endpoint.previous_until > timezone.now():
        found.append(unseal(endpoint.sealed_previous))
    return tuple(found)


def _box() -> MultiFernet:
    return MultiFernet(
        [Fernet(_derive_key(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _derive_key(secret_key: str | bytes) -> bytes:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE)
    return base64.urlsafe_b64encode(derived.derive(force_bytes(secret_key)))
