"""Unique identifiers (UIDs) without a registered root: 2.25 and a UUID as a number (PS3.5, B.2)."""

from __future__ import annotations

import uuid

from django.utils.crypto import salted_hmac

IMPLEMENTATION = uuid.UUID("6c0a5f0e-6f0b-4a52-9d2e-2f5d8a0f7c11")
IMPLEMENTATION_NAME = "DERMAPORT"
"""At most 16 characters."""


def make_uid(key: uuid.UUID) -> str:
    return f"2.25.{key.int}"


def derive_uid(key: uuid.UUID, role: str) -> str:
    """Another identifier of the same row, always the same for the same `role`."""
    return make_uid(uuid.uuid5(key, role))


def replace_uid(received: str) -> str:
    """What stands for a received identifier: the same for the same one, and not to be turned back."""
    digest = salted_hmac("classifier.dicom.identifiers", received, algorithm="sha256").digest()
    return make_uid(uuid.UUID(bytes=digest[:16], version=5))
