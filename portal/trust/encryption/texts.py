"""Column encryption: AES-256-GCM with a random nonce, as `dpe1:<key id>:<base64>`.

The same text twice gives two ciphertexts, so nothing can be compared or sorted in the database;
where a column must be found by its exact text, a keyed hash stands beside it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag

from portal.trust.encryption.keys import FIELDS, INDEX, DecryptionError, find_key, find_keys, first_key

PREFIX = "dpe1:"
NONCE_BYTES = 12


def encrypt_text(text: str, *, label: str) -> str:
    """Encrypt `text` for the column `label`; empty stays empty, so that "given or not" can be asked."""
    return encrypt_bytes(text.encode(), label=label) if text else ""


def decrypt_text(stored: str, *, label: str) -> str:
    """The text of `encrypt_text`; a text from before encryption comes back as it is.

    Raises DecryptionError, also for a text that was moved here from another column.
    """
    return decrypt_bytes(stored, label=label).decode() if stored.startswith(PREFIX) else stored


def encrypt_bytes(content: bytes, *, label: str, key_for: str = FIELDS) -> str:
    """Encrypt `content`, bound to `label`, under the first key for `key_for`."""
    key = first_key(key_for)
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + key.cipher.encrypt(nonce, content, label.encode())
    return f"{PREFIX}{key.id.hex()}:{base64.b64encode(sealed).decode()}"


def decrypt_bytes(stored: str, *, label: str, key_for: str = FIELDS) -> bytes:
    """The content of `encrypt_bytes`. Raises DecryptionError."""
    try:
        key_id, body = stored[len(PREFIX) :].split(":", 1)
        sealed = base64.b64decode(body, validate=True)
        key = find_key(key_for, bytes.fromhex(key_id))
        return key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())
    except (ValueError, binascii.Error, InvalidTag):
        # Without the cause: its frames are no help, and its message may quote what was stored.
        raise DecryptionError(f"the stored {label} can't be decrypted") from None


def current_prefix(key_for: str = FIELDS) -> str:
    """What every text under the first key begins with."""
    return f"{PREFIX}{first_key(key_for).id.hex()}:"


def make_index(text: str) -> str:
    """Keyed hash of `text` under the first key, to find and to keep unique what is encrypted."""
    return _hash(first_key(INDEX).secret, text) if text else ""


def list_indexes(text: str) -> list[str]:
    """The hash under every key: while keys rotate, rows carry either."""
    return [_hash(key.secret, text) for key in find_keys(INDEX)] if text else [""]


def _hash(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
