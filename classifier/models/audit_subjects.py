"""Audit subjects: for each kind of row that an event can name, the way to its patient.

The one register for the page, its search and its export, and for the writer: an event of a kind that is
missing here is refused. A kind that hangs on a patient and is not here fails a test, so that no look at a
patient's data goes without the patient.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import F, Q

from classifier.models import Patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db import models

    from portal.trust.accounts.models import Clinic
    from portal.trust.audit.models import AuditEvent, AuditEventQuerySet


@dataclass(frozen=True)
class Subject:
    """What people call a kind of row, and the lookup from it to its patient; None: it has none."""

    word: str
    to_patient: str | None = None


OF_CASE = "submission__lesion__patient"
SUBJECTS: dict[str, Subject] = {
    "classifier.patient": Subject("patient", "pk"),
    "classifier.consent": Subject("consent", "patient"),
    "classifier.emergencyaccess": Subject("emergency access", "patient"),
    "classifier.lesion": Subject("lesion", "patient"),
    "classifier.outcome": Subject("histopathology", "lesion__patient"),
    "classifier.submission": Subject("case", "lesion__patient"),
    "classifier.submissionimage": Subject("image", OF_CASE),
    "classifier.reading": Subject("reading before the model's answer", OF_CASE),
    "classifier.readingclaim": Subject("claim to read a case", OF_CASE),
    "classifier.review": Subject("review", OF_CASE),
    "classifier.acknowledgement": Subject("acknowledgement", f"review__{OF_CASE}"),
    "classifier.prediction": Subject("result", f"image__{OF_CASE}"),
    "classifier.explanation": Subject("map of where the model looked", f"prediction__image__{OF_CASE}"),
    "classifier.outline": Subject("outline", f"image__{OF_CASE}"),
    "classifier.webhookevent": Subject("webhook event", OF_CASE),
    "classifier.webhookdelivery": Subject("webhook delivery", f"event__{OF_CASE}"),
    "classifier.fileremoval": Subject("file to remove"),
    "classifier.idempotentrequest": Subject("repeated request"),
    "classifier.modelversion": Subject("model version"),
    "classifier.outlinenetwork": Subject("network that outlines"),
    "classifier.requestcount": Subject("count of requests"),
    "classifier.webhookendpoint": Subject("webhook"),
    "accounts.apitoken": Subject("API token"),
    "accounts.clinic": Subject("clinic"),
    "accounts.invitation": Subject("invitation"),
    "accounts.loginwait": Subject("wait before a log-in"),
    "accounts.membership": Subject("access of a person"),
    "accounts.oauthapplication": Subject("application"),
    "accounts.user": Subject("person"),
    "audit.auditevent": Subject("event of the audit log"),
}
NEVER_RECORDED = {
    "audit.auditanchor": "part of the audit log itself",
    "audit.auditchain": "part of the audit log itself",
    "audit.eventtally": "part of the audit log itself",
    "classifier.refusedemergency": "the event of a refusal names no row, so that it tells nothing of a patient",
    "common.changebypass": "there while one transaction lasts",
    "health.workerheartbeat": "a process that is alive",
}
"""Kinds that no event names, each with why. None hangs on a patient."""
OF_PATIENTS = {kind: subject.to_patient for kind, subject in SUBJECTS.items() if subject.to_patient}


@dataclass(frozen=True)
class NamedPatient:
    """As much of a patient as the audit log says: the pseudonym, and the id that its page takes."""

    pk: uuid.UUID
    public_id: str


def name_kind(object_type: str) -> str:
    """Words for a kind of row; an unknown one by the name of its table."""
    subject = SUBJECTS.get(object_type)
    return subject.word if subject else object_type.partition(".")[2]


def find_patients(events: Iterable[AuditEvent], *, clinic: Clinic) -> dict[uuid.UUID, NamedPatient]:
    """By event id, the patient that it is about, as far as the patient is of `clinic`.

    One query for each kind of row among `events`, however many they are. An emergency stands in the
    reader's audit log too: a patient of another clinic is not named there.
    """
    events = list(events)
    wanted: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for kind, key in _list_rows(event):
            wanted[kind].add(key)
    found = {kind: _load(kind, keys, clinic) for kind, keys in wanted.items()}
    named = {}
    for event in events:
        patients = (found[kind].get(key) for kind, key in _list_rows(event))
        if patient := next((patient for patient in patients if patient), None):
            named[event.pk] = patient
    return named


def about_patient(events: AuditEventQuerySet, *, clinic: Clinic, opaque_id: str) -> AuditEventQuerySet:
    """Those of `events` about a patient of `clinic` and all that belongs to the patient.

    `opaque_id` is the public id or the id of addresses; of anything else there are no events.
    """
    try:
        same = Q(pk=uuid.UUID(opaque_id))
    except ValueError:
        same = Q(public_id__iexact=opaque_id.strip())
    patient = Patient.objects.filter(same, clinic=clinic).first()
    if patient is None:
        return events.none()
    condition, every = Q(pk__in=[]), []
    for kind, path in OF_PATIENTS.items():
        rows = _rows_of(kind).filter(**{path: patient.pk}).order_by()
        ids = [str(pk) for pk in rows.values_list("pk", flat=True)]
        condition |= Q(object_type=kind, object_id__in=ids)
        every += ids
    # A refusal or a repeated answer names no row of a patient: what was asked for stands in its details.
    in_details = Q(details__object__in=every) & ~Q(object_type__in=list(OF_PATIENTS))
    return events.filter(condition | in_details)


def _list_rows(event: AuditEvent) -> list[tuple[str, str]]:
    """Kinds and ids to look for; a refused request or a repeated answer gives an id and not of what."""
    if event.object_type in OF_PATIENTS:
        return [(event.object_type, event.object_id)]
    asked = event.details.get("object")
    return [(kind, str(asked)) for kind in OF_PATIENTS] if asked else []


def _load(kind: str, keys: Iterable[str], clinic: Clinic) -> Mapping[str, NamedPatient]:
    path = OF_PATIENTS[kind]
    prefix = "" if path == "pk" else f"{path}__"
    rows = (
        _rows_of(kind)
        .filter(**{"pk__in": _read_keys(kind, keys), f"{prefix}clinic": clinic})
        .order_by()
        .annotate(subject_pk=F(f"{prefix}pk"), subject_public_id=F(f"{prefix}public_id"))
        .values_list("pk", "subject_pk", "subject_public_id")
    )
    return {str(pk): NamedPatient(patient, public_id) for pk, patient, public_id in rows}


def _rows_of(kind: str) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = apps.get_model(kind)._default_manager.all()  # noqa: SLF001 (Django's way)
    return rows


def _read_keys(kind: str, keys: Iterable[str]) -> list[Any]:
    """Ids as the table keeps them; of a refused request the id may be no id of this kind."""
    column = apps.get_model(kind)._meta.pk  # noqa: SLF001
    read = []
    for key in keys:
        try:
            read.append(column.to_python(key))
        except ValidationError:
            continue
    return read
