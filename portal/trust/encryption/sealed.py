"""Sealed secrets, which programs read back: under the key ring, each for one purpose.

Formerly they were sealed with Fernet and a key made from SECRET_KEY. That is still read, also with a key of
SECRET_KEY_FALLBACKS, until `rotate_encryption` has brought it under the ring.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from portal.trust.encryption.keys import SECRETS, DecryptionError
from portal.trust.encryption.texts import PREFIX, current_prefix, decrypt_bytes, encrypt_bytes

if TYPE_CHECKING:
    from typing import Any

    from django.db.models import QuerySet


class LostSealError(DecryptionError):
    """It was sealed with a key made from a SECRET_KEY that we don't have."""


def seal(content: bytes, *, purpose: str) -> str:
    """Seal `content`; it opens for the same purpose alone."""
    return encrypt_bytes(content, label=purpose, key_for=SECRETS)


def unseal(text: str, *, purpose: str) -> bytes:
    """What was sealed for this purpose. Raises DecryptionError, or LostSealError of a former seal."""
    if text.startswith(PREFIX):
        return decrypt_bytes(text, label=purpose, key_for=SECRETS)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return open_former([_derive(key, purpose) for key in keys], text, purpose=purpose)


def open_former(keys: list[bytes], text: str, *, purpose: str) -> bytes:
    """What Fernet sealed with one of `keys`. Raises LostSealError."""
    try:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys]).decrypt(text.encode())
    except InvalidToken:
        raise LostSealError(f"{purpose}: SECRET_KEY_FALLBACKS lacks the key") from None


def is_current(text: str) -> bool:
    """Whether it is sealed under the first key of the ring."""
    return text.startswith(current_prefix(SECRETS))


def reseal(text: str, *, purpose: str) -> str:
    """The same under the first key; `text` itself where it is so already, and nothing for nothing.

    Raises DecryptionError.
    """
    return text if not text or is_current(text) else seal(unseal(text, purpose=purpose), purpose=purpose)


def reseal_columns(rows: QuerySet[Any], *columns: str, purpose: str) -> int:
    """Bring these columns of `rows` under the first key; return how many rows were written.

    Compare-and-set: what changed meanwhile is under the first key by itself.
    """
    count = 0
    for key, *texts in list(rows.values_list("pk", *columns)):
        stored = dict(zip(columns, texts, strict=True))
        changed = {name: reseal(text, purpose=purpose) for name, text in stored.items()}
        if changed != stored:
            count += rows.filter(pk=key, **stored).update(**changed)
    return count


def digest(content: bytes, *, purpose: str) -> str:
    """A keyed SHA-256 as 64 hex digits: without SECRET_KEY, guesses at short content can't be tried."""
    return hmac.new(_derive(settings.SECRET_KEY, purpose), content, hashlib.sha256).hexdigest()


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())
