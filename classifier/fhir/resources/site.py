"""What isn't about a patient: networks, clinics and people; and the audit log, for administrators."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db.models import F

from classifier.fhir.builders.people import build_device, build_organization, build_practitioner
from classifier.fhir.builders.provenance import KINDS, build_audit_event
from classifier.fhir.resources.base import (
    Kind,
    Param,
    by_change,
    by_date,
    by_id,
    by_reference,
    read_references,
)
from classifier.fhir.resources.cases import newest_of
from classifier.fhir.search import read_token
from classifier.fhir.systems import AUDIT_ACTION
from classifier.models import ModelVersion, Patient
from classifier.models.audit_subjects import about_patient, find_patients
from portal.trust.accounts.models import Clinic, User
from portal.trust.accounts.roles import Action
from portal.trust.audit.models import AuditEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from classifier.fhir.viewer import Viewer
    from portal.trust.audit.models import AuditEventQuerySet


def _select_people(viewer: Viewer) -> QuerySet[User]:
    """Who is or was in a clinic of the viewer's: their names stand in its cases."""
    return User.objects.filter(memberships__clinic__in=list(viewer.roles)).distinct()


def _narrow_by_entity(rows: Any, values: list[str], viewer: Viewer) -> QuerySet[Any]:
    keys = read_references(values, tuple(dict.fromkeys(KINDS.values())), viewer.base)
    named: AuditEventQuerySet = rows.filter(object_id__in=[str(key) for key in keys])
    return named | _about(rows, keys, viewer)


def _narrow_by_patient(rows: Any, values: list[str], viewer: Viewer) -> QuerySet[Any]:
    return _about(rows, read_references(values, ("Patient",), viewer.base), viewer)


def _about(rows: AuditEventQuerySet, keys: list[uuid.UUID], viewer: Viewer) -> AuditEventQuerySet:
    """Events about those of the keys that are patients of the viewer's, and all that belongs to them."""
    found = rows.none()
    for patient in Patient.objects.visible_to(viewer.user).filter(pk__in=keys).select_related("clinic"):
        found |= about_patient(rows, clinic=patient.clinic, opaque_id=str(patient.pk))
    return found


def _find_patients(events: Sequence[AuditEvent], _: Viewer) -> None:
    """Note with each event whom it is about: a patient of the clinic whose audit log it stands in."""
    by_clinic = {clinic.pk: clinic for event in events if (clinic := event.chain.clinic)}
    for event in events:
        event.about = None  # type: ignore[attr-defined] # for `build`
    for key, clinic in by_clinic.items():
        mine = [event for event in events if event.chain.clinic_id == key]
        named = find_patients(mine, clinic=clinic)
        for event in mine:
            event.about = named.get(event.pk)  # type: ignore[attr-defined] # as above


def _narrow_by_action(rows: QuerySet[Any], values: list[str], _: Viewer) -> QuerySet[Any]:
    tokens = [token for token in map(read_token, values) if token.system in (None, AUDIT_ACTION)]
    return rows if any(token.is_any for token in tokens) else rows.filter(action__in=[t.code for t in tokens])


DEVICE = Kind(
    name="Device",
    words="A registered network, with the thresholds that make outcomes of its figures.",
    rows=lambda _: ModelVersion.objects.annotate(changed_at=newest_of("registered_at", "activated_at")),
    build=lambda row, _: build_device(row),
    order="registered_at",
    params={"_id": by_id(), "_lastUpdated": by_change()},
)
ORGANIZATION = Kind(
    name="Organization",
    words="A clinic of yours. Its identifier is the system of its medical record numbers.",
    rows=lambda viewer: Clinic.objects.visible_to(viewer.user),
    build=lambda row, _: build_organization(row),
    order="created_at",
    params={"_id": by_id()},
)
PRACTITIONER = Kind(
    name="Practitioner",
    words="A person, or a system, of a clinic of yours.",
    rows=_select_people,
    build=lambda row, _: build_practitioner(row),
    order="date_joined",
    params={"_id": by_id()},
)
AUDIT_EVENT = Kind(
    name="AuditEvent",
    words="The audit log of the clinics that you administer: ids, codes and counts.",
    rows=lambda viewer: (
        AuditEvent.objects.visible_to(viewer.user)
        .select_related("chain__clinic")
        .annotate(changed_at=F("occurred_at"))
    ),
    build=lambda row, _: build_audit_event(row, row.about),
    prepare=_find_patients,
    order="occurred_at",
    params={
        "_id": by_id(),
        "_lastUpdated": by_change(),
        "agent": by_reference("actor", "Practitioner", words="Who did it."),
        "date": by_date("occurred_at", "When it happened."),
        "entity": Param("reference", _narrow_by_entity, "What it was done to, and the patient whose it is."),
        "patient": Param("reference", _narrow_by_patient, "Whose data it was done to."),
        "subtype": Param("token", _narrow_by_action, "What was done, such as `submission.viewed`."),
    },
    listed="auditevent",
    clinic_of=attrgetter("chain.clinic_id"),
    action=Action.ADMINISTER,
)
