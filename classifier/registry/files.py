"""Model import: take over a network file: checked, converted, tried out, copied and registered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from classifier.domain.errors import InvalidInputError
from classifier.engine import serving
from classifier.registry.versions import register_model
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from classifier.models import ModelVersion
    from portal.trust.accounts.models import User


def register_file(
    *, path: str, declared: serving.Declaration, actor: User | None = None
) -> tuple[ModelVersion, float | None]:
    """Register the network file at `path` under what its owner declares.

    Returns the version, in no use yet, and P(malignant) of the reference image if one was given.
    The file is copied to the models folder under its hash, its specification beside it. A refusal
    leaves the audit event `model_version.refused` with its code and the file's SHA-256, never its
    name, and raises InvalidInputError with that code.
    """
    try:
        prepared = serving.prepare_network(path, declared)
    except serving.RefusedNetworkError as error:
        record_event(
            clinic_id=None,
            action="model_version.refused",
            actor=actor,
            details={"code": error.code, "sha256": digest_plain_file(path)},
        )
        raise InvalidInputError(error.code, error.message) from error
    specification = prepared.specification
    target = Path(settings.DERMAPORT_MODELS_DIR) / specification.file
    write_file(target, prepared.data)
    version = register_model(specification=specification, actor=actor)
    if version.file == specification.file:
        specification.save(target.with_suffix(".json"))
    return version, prepared.reference_probability


def write_file(target: Path, data: bytes) -> None:
    """Write the network whole or not at all; nothing serves it before it is registered."""
    draft = target.with_name(f"partial-{target.name}")
    draft.write_bytes(data)
    draft.replace(target)


def digest_plain_file(path: str) -> str:
    """SHA-256 of a plain file that can be read, "" of anything else: a pipe would never end."""
    file = Path(path)
    try:
        if file.is_symlink() or not file.is_file():
            return ""
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
