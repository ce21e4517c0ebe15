"""Audit log of network files that are registered and not loaded any more: exchanged, damaged, unsafe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.engine.serving import RefusedNetworkError
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from classifier.models import ModelVersion
    from portal.trust.accounts.models import User

_noted: set[tuple[str, str]] = set()


def record_refused_file(*, version: ModelVersion, code: str, actor: User | None = None) -> None:
    """Leave the event `model_version.refused` for the file of a registered `version`."""
    record_event(
        clinic_id=None,
        action="model_version.refused",
        actor=actor,
        obj=version,
        details={"code": code, "sha256": version.sha256},
    )


def note_refused_load(*, version: ModelVersion, error: Exception) -> None:
    """Record that a worker refused the file of `version`; any other `error` is no refusal.

    Once a process for each version and reason: a worker tries again with every batch, and the
    audit log is not to fill with one fact.
    """
    if not isinstance(error, RefusedNetworkError):
        return
    key = (version.sha256, error.code)
    if key not in _noted:
        record_refused_file(version=version, code=error.code)
        _noted.add(key)
