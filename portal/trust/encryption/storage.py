"""Encrypted storage: what is written is sealed, what is read is plain."""

from __future__ import annotations

import os
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.utils.crypto import get_random_string

from portal.trust.encryption.files import HEAD_BYTES, decrypt_file, encrypt_file, is_current, plain_size


class EncryptedStorageMixin:
    """Files are read whole: a photograph fits in memory, and no plain copy touches a disk."""

    def _save(self, name: str, content: Any) -> str:
        content.seek(0)
        sealed = encrypt_file(content.read(), name=_canonical(name))
        return str(super()._save(name, ContentFile(sealed)))  # type: ignore[misc]  # the storage's, behind this class

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError(f"expected mode rb, received {mode}")
        return ContentFile(decrypt_file(self._read_stored(name), name=_canonical(name)), name=name)

    def _read_stored(self, name: str) -> bytes:
        with super()._open(name, "rb") as file:  # type: ignore[misc]  # the storage's, behind this class
            data: bytes = file.read()
        return data

    def _read_head(self, name: str) -> bytes:
        with super()._open(name, "rb") as file:  # type: ignore[misc]  # the storage's, behind this class
            head: bytes = file.read(HEAD_BYTES)
        return head

    def size(self, name: str) -> int:
        """Of what is read, not of what is stored."""
        return plain_size(self._read_head(name), super().size(name))  # type: ignore[misc]  # the storage's, behind this class

    def is_current(self, name: str) -> bool:
        """Whether the file is sealed under the first key."""
        return is_current(self._read_head(name))

    def encrypt_anew(self, name: str) -> None:
        """Seal the file under the first key, in its place and whole at every moment."""
        data = decrypt_file(self._read_stored(name), name=_canonical(name))
        self._replace(name, encrypt_file(data, name=_canonical(name)))

    def write_plain(self, name: str) -> None:
        """Store the file as it was before encryption: for going back."""
        self._replace(name, decrypt_file(self._read_stored(name), name=_canonical(name)))

    def _replace(self, name: str, stored: bytes) -> None:
        # Object stores replace an object at once.
        super()._save(name, ContentFile(stored))  # type: ignore[misc]  # the storage's, behind this class


class EncryptedFileSystemStorage(EncryptedStorageMixin, FileSystemStorage):
    def _replace(self, name: str, stored: bytes) -> None:
        plain: Any = super(EncryptedStorageMixin, self)
        draft = plain._save(f"{name}.{get_random_string(8)}", ContentFile(stored))  # noqa: SLF001
        os.replace(self.path(draft), self.path(name))  # noqa: PTH105 (one step, as paths are given)


def _canonical(name: str) -> str:
    return name.replace("\\", "/")
