"""Seal what must be kept for a while but read by nobody else, with keys made from SECRET_KEY.

A new SECRET_KEY reads what an old one sealed while that stands in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


class LostSealError(Exception):
    """No key that we have opens it."""


def _boxes(purpose: str) -> list[Fernet]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [Fernet(base64.urlsafe_b64encode(_derive(one, purpose))) for one in secrets]


def _box(purpose: str) -> MultiFernet:
    return MultiFernet(_boxes(purpose))


def seal(content: bytes, *, purpose: str) -> str:
    return _box(purpose).encrypt(content).decode()


def unseal(text: str, *, purpose: str) -> bytes | None:
    """What was sealed for this purpose; None where no key that we have fits."""
    try:
        return _box(purpose).decrypt(text.encode())
    except InvalidToken:
        return None


def reseal(text: str, *, purpose: str) -> str:
    """The same under the present key; `text` itself where it is so already. Raises LostSealError."""
    try:
        _boxes(purpose)[0].decrypt(text.encode())
    except InvalidToken:
        content = unseal(text, purpose=purpose)
        if content is None:
            raise LostSealError(f"{purpose}: SECRET_KEY_FALLBACKS lacks the key") from None
        return seal(content, purpose=purpose)
    return text


def digest(content: bytes, *, purpose: str) -> str:
    """A keyed SHA-256 as 64 hex digits: without the key, guesses at short content can't be tried."""
    return hmac.new(_derive(settings.SECRET_KEY, purpose), content, hashlib.sha256).hexdigest()
