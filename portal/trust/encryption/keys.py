"""Key ring: one derived key a purpose from each key of the settings; the first encrypts, all decrypt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FIELDS, FILES, INDEX, SECRETS = "fields", "files", "index", "secrets"
KEY_BYTES = 32
ID_BYTES = 4
SHORTEST = 32


class DecryptionError(Exception):
    """The stored bytes are not what was written here."""


class UnknownKeyError(DecryptionError):
    """The key is not in the settings: no fault of what is stored."""


@dataclass(frozen=True)
class DerivedKey:
    """A key for one purpose. Its id stands before what it encrypted and tells nothing of it."""

    id: bytes
    secret: bytes
    cipher: AESGCM


def find_keys(purpose: str) -> tuple[DerivedKey, ...]:
    """Keys of `purpose` in the order of the settings."""
    return _derive_all(tuple(settings.DERMAPORT_ENCRYPTION_KEYS), purpose)


def first_key(purpose: str) -> DerivedKey:
    """The key that encrypts."""
    return find_keys(purpose)[0]


def find_key(purpose: str, key_id: bytes) -> DerivedKey:
    """The key that has this id. Raises UnknownKeyError."""
    for key in find_keys(purpose):
        if key.id == key_id:
            return key
    raise UnknownKeyError("the key of this text or file is not in DERMAPORT_ENCRYPTION_KEYS")


@lru_cache(maxsize=16)
def _derive_all(secrets: tuple[str, ...], purpose: str) -> tuple[DerivedKey, ...]:
    check_secrets(secrets)
    return tuple(_derive(secret, purpose) for secret in secrets)


def check_secrets(secrets: tuple[str, ...]) -> None:
    """Raise ImproperlyConfigured unless there is a key and each is long enough to be one."""
    if not secrets:
        raise ImproperlyConfigured("DERMAPORT_ENCRYPTION_KEYS: expected at least one key, received none.")
    for number, secret in enumerate(secrets, start=1):
        if len(secret) < SHORTEST:
            raise ImproperlyConfigured(
                f"DERMAPORT_ENCRYPTION_KEYS: expected keys of at least {SHORTEST} characters, "
                f"received {len(secret)} in key {number}."
            )


def _derive(secret: str, purpose: str) -> DerivedKey:
    derived = HKDF(
        algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=f"dermaport/{purpose}".encode()
    ).derive(secret.encode())
    key_id = hashlib.sha256(b"id of " + derived).digest()[:ID_BYTES]
    return DerivedKey(key_id, derived, AESGCM(derived))
