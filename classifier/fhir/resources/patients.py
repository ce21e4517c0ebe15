"""Patient and BodyStructure."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from django.db.models import Q

from classifier.cases.search import has_public_id, has_record_number
from classifier.fhir.builders.people import build_body_structure, build_patient
from classifier.fhir.resources.base import NOTHING, Kind, Param, by_change, by_date, by_id, by_reference
from classifier.fhir.resources.cases import newest_of
from classifier.fhir.search import read_token
from classifier.fhir.systems import MRN_PREFIX, PSEUDONYM
from classifier.models import Lesion, Patient

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from classifier.fhir.viewer import Viewer


def _narrow_by_identifier(rows: QuerySet[Patient], values: list[str], _: Viewer) -> QuerySet[Patient]:
    condition = NOTHING
    for token in map(read_token, values):
        if token.system is None:
            condition |= has_record_number(token.code) | has_public_id(token.code)
        elif token.system == PSEUDONYM:
            condition |= ~NOTHING if token.is_any else has_public_id(token.code)
        elif token.system.startswith(MRN_PREFIX):
            condition |= _of_clinic(rows, token.system) & (
                ~NOTHING if token.is_any else has_record_number(token.code)
            )
    return rows.filter(condition)


def _of_clinic(rows: QuerySet[Patient], system: str) -> Q:
    """The clinic whose record numbers `system` names, if it is one of these rows."""
    clinics = rows.values_list("clinic_id", flat=True).order_by().distinct()
    return Q(clinic_id__in=[key for key in clinics if str(key) == system.removeprefix(MRN_PREFIX)])


PATIENT = Kind(
    name="Patient",
    words=(
        "Known to one clinic, without a name. The system of the record number is "
        f"`{MRN_PREFIX}` followed by the id of the clinic's Organization, which states it too."
    ),
    rows=lambda viewer: Patient.objects.visible_to(viewer.user).annotate(
        changed_at=newest_of("created_at", "corrected_at")
    ),
    build=lambda row, _: build_patient(row),
    order="created_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_date("changed_at", "When it was made or corrected last."),
        "identifier": Param(
            "token",
            _narrow_by_identifier,
            "Record number or pseudonym, as `system|value`; `system|` is any of it. By POST to `_search` alone.",
            is_private=True,
        ),
        "organization": by_reference("clinic", "Organization", words="The clinic."),
    },
    includes={"organization": "managingOrganization"},
    listed="patient",
)
BODY_STRUCTURE = Kind(
    name="BodyStructure",
    words="A lesion: one spot on the skin, over time.",
    rows=lambda viewer: (
        Lesion.objects.visible_to(viewer.user)
        .select_related("patient")
        .annotate(changed_at=newest_of("created_at", "corrected_at"))
    ),
    build=lambda row, _: build_body_structure(row),
    order="created_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "patient": by_reference("patient", "Patient", words="Whose skin."),
    },
    includes={"patient": "patient"},
    listed="lesion",
    clinic_of=attrgetter("patient.clinic_id"),
)
