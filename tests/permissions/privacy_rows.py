"""The rows of consent, archive and erasure over the API."""

from __future__ import annotations

from typing import Any

from tests.permissions import expectations as may
from tests.permissions.rows import PATIENT, Row, sent
from tests.permissions.world import World

AGREED = {"purpose": "teaching", "is_given": True}


def erasure(world: World, _: str) -> dict[str, Any]:
    return {"reason": "request", "public_id": world.judged.lesion.patient.public_id}


PRIVACY = [
    Row("api-patient-consents", "GET", may.API_ROW, at=PATIENT),
    Row("api-patient-consents", "POST", may.API_ROW_OF_SUBMITTERS_FIRST, at=PATIENT, data=sent(**AGREED)),
    Row("api-patient-archive", "GET", may.API_ROW_OF_ADMINISTRATORS, at=PATIENT),
    Row("api-patient-erase", "POST", may.API_ROW_OF_ADMINISTRATORS, at=PATIENT, data=erasure),
]
