"""Patient and BodyStructure."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db.models import F, Max, Q

from classifier.fhir.builders.patients import build_body_structure, build_patient
from classifier.fhir.dates import within
from classifier.fhir.resources.base import Kind, Param, by_change, by_id, by_reference
from classifier.fhir.systems import MRN_PREFIX, PSEUDONYM
from classifier.models import Lesion, Patient
from portal.audit.models import AuditEvent

if TYPE_CHECKING:
    import datetime as dt

    from django.db.models import QuerySet

    from classifier.fhir.viewer import Viewer

UPDATED = {"object_type": "classifier.patient", "action": "patient.updated"}


class PatientKind(Kind):
    """A patient's row doesn't say when it was corrected last; the trail does."""

    def prepare(self, rows: list[Patient]) -> None:
        corrected = find_corrections(object_id__in=[str(row.pk) for row in rows])
        for row in rows:
            row.changed_at = corrected.get(str(row.pk), row.created_at)  # type: ignore[attr-defined]  # read by the builder


def find_corrections(**narrowed: Any) -> dict[str, dt.datetime]:
    events = AuditEvent.objects.filter(**UPDATED, **narrowed).order_by().values_list("object_id")
    return dict(events.annotate(Max("occurred_at")))


def _narrow_by_change(rows: QuerySet[Patient], values: list[str], viewer: Viewer) -> QuerySet[Patient]:
    events = AuditEvent.objects.filter(**UPDATED, chain__clinic__in=viewer.clinics).order_by()
    last = events.values("object_id").annotate(changed=Max("occurred_at"))
    corrected = [str(key) for key in last.values_list("object_id", flat=True)]
    condition = Q(pk__in=[])
    for value in values:
        matching = last.filter(within("changed", value)).values_list("object_id", flat=True)
        condition |= Q(pk__in=list(matching)) | (within("created_at", value) & ~Q(pk__in=corrected))
    return rows.filter(condition)


def _narrow_by_identifier(rows: QuerySet[Patient], values: list[str], _: Viewer) -> QuerySet[Patient]:
    condition = Q(pk__in=[])
    for value in values:
        system, bar, word = value.rpartition("|")
        word = " ".join(word.split())
        if system.startswith(MRN_PREFIX):
            clinics = rows.values_list("clinic_id", flat=True).order_by().distinct()
            named = [key for key in clinics if str(key) == system.removeprefix(MRN_PREFIX)]
            condition |= Q(clinic_id__in=named, mrn=word)
        elif system == PSEUDONYM:
            condition |= Q(public_id=word)
        elif not bar:
            condition |= Q(mrn=word) | Q(public_id=word)
    return rows.filter(condition)


PATIENT = PatientKind(
    name="Patient",
    words=(
        "Known to one clinic, without a name. The system of the record number is "
        f"`{MRN_PREFIX}` followed by the id of the clinic's Organization, which states it too."
    ),
    rows=lambda viewer: Patient.objects.visible_to(viewer.user),
    build=lambda row, _: build_patient(row),
    order="created_at",
    params={
        "_id": by_id(),
        "_lastUpdated": Param("date", _narrow_by_change, "When it was made or corrected last."),
        "identifier": Param(
            "token",
            _narrow_by_identifier,
            "Record number or pseudonym, as `system|value`. By POST to `_search` alone.",
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
        Lesion.objects.visible_to(viewer.user).select_related("patient").annotate(changed_at=F("created_at"))
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
