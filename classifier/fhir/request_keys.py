"""The identifier of an order names its submission: sent twice, it is one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def make_request_key(clinic_id: uuid.UUID, *, system: str, value: str) -> uuid.UUID:
    """Keys of two clinics never meet, nor those of FHIR and of the REST API."""
    return uuid.uuid5(clinic_id, f"fhir {system}|{value}")


def list_request_keys(clinic_ids: Iterable[uuid.UUID], identifiers: list[str]) -> list[uuid.UUID]:
    """The keys that these identifiers (`system|value`, or `value` without a system) have in these clinics."""
    parts = [identifier.rpartition("|") for identifier in identifiers]
    return [
        make_request_key(clinic_id, system=system, value=value.strip())
        for clinic_id in clinic_ids
        for system, _, value in parts
    ]
