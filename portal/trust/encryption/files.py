"""File encryption: AES-256-GCM in chunks, so that a cut, swapped or reordered chunk does not open.

magic (4) · key id (4) · salt (16) · chunks of at most 256 KiB, each with its 16-byte tag. Key and
salt make a key of the file's own; a chunk's nonce is its number and whether it is the last; its
seal names the file, so that no file opens under another's name.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.trust.encryption.keys import FILES, ID_BYTES, DecryptionError, find_key, first_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.trust.encryption.keys import DerivedKey

MAGIC = b"DPE1"
SALT_BYTES = 16
HEAD_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16


def encrypt_file(data: bytes, *, name: str) -> bytes:
    """The sealed form of `data` for the file `name`."""
    key = first_key(FILES)
    salt = os.urandom(SALT_BYTES)
    cipher = _make_cipher(key, salt)
    chunks = (cipher.encrypt(nonce, part, name.encode()) for nonce, part in _number(data, CHUNK_BYTES))
    return b"".join([MAGIC, key.id, salt, *chunks])


def decrypt_file(stored: bytes, *, name: str) -> bytes:
    """The bytes of `encrypt_file`; a file from before encryption comes back as it is.

    Raises DecryptionError.
    """
    if not stored.startswith(MAGIC):
        return stored
    key = find_key(FILES, stored[len(MAGIC) : len(MAGIC) + ID_BYTES])
    cipher = _make_cipher(key, stored[len(MAGIC) + ID_BYTES : HEAD_BYTES])
    parts = _number(stored[HEAD_BYTES:], CHUNK_BYTES + TAG_BYTES)
    try:
        return b"".join(cipher.decrypt(nonce, part, name.encode()) for nonce, part in parts)
    except (InvalidTag, ValueError):
        raise DecryptionError("a stored file can't be decrypted: it was changed, cut or moved") from None


def is_current(head: bytes) -> bool:
    """Whether a file that begins with `head` is under the first key."""
    return head.startswith(MAGIC + first_key(FILES).id)


def plain_size(head: bytes, stored_size: int) -> int:
    """Bytes that a stored file of `stored_size`, which begins with `head`, holds."""
    if not head.startswith(MAGIC):
        return stored_size
    body = stored_size - HEAD_BYTES
    chunks = -(-body // (CHUNK_BYTES + TAG_BYTES))
    return body - chunks * TAG_BYTES


def _make_cipher(key: DerivedKey, salt: bytes) -> AESGCM:
    return AESGCM(hmac.new(key.secret, salt, hashlib.sha256).digest())


def _number(data: bytes, size: int) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk with its nonce; an empty file has one empty chunk."""
    view = memoryview(data)
    starts = range(0, len(view), size) or range(1)
    for number, start in enumerate(starts):
        is_last = start + size >= len(view)
        yield number.to_bytes(11, "big") + bytes([is_last]), view[start : start + size]
