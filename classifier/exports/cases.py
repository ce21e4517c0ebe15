"""CSV export: lists leave the portal, with one event that says who took how much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from classifier.cases.outlines import MEASURE_COLUMNS, list_outline_measures
from classifier.domain.csv_cells import Export, format_moment, write_rows
from classifier.labels.diagnoses import list_diagnoses
from classifier.labels.probability import WORTH_COLUMNS, list_worth
from classifier.labels.standing import STANDING_COLUMNS, list_standing
from classifier.labels.text import count_years
from classifier.models import Submission
from classifier.models.audit_subjects import find_patients
from classifier.standing.hiding import hides_standing
from classifier.standing.reviews import find_review_in_force
from classifier.standing.summary import summarise, summary_prefetches
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Iterator

    from classifier.models.submission import SubmissionQuerySet
    from classifier.standing.summary import CaseSummary
    from portal.trust.accounts.models import Clinic, User
    from portal.trust.audit.models import AuditEventQuerySet

CHUNK = 500

SUBMISSION_COLUMNS = (
    "submission_id",
    "submitted_at",
    "state",
    "headline",
    "outcome",
    "calibrated_probability",
    "model",
    "threshold_policy",
    "threshold",
    "refusals",
    "images",
    "priority",
    "source",
    "patient_id",
    "mrn",
    "sex",
    "skin_type",
    "age_at_submission",
    "lesion_id",
    "body_site",
    "laterality",
    "submitted_by",
    "diagnosis",
    "agreement",
    "management",
    "signed_by",
    "signed_at",
    "review_versions",
    *STANDING_COLUMNS,
    "referral",
    *WORTH_COLUMNS,
    "model_diagnoses",
    "model_diagnosis_stands_out",
    *MEASURE_COLUMNS,
)
AUDIT_COLUMNS = (
    "position",
    "occurred_at",
    "person",
    "action",
    "object_type",
    "object_id",
    "details",
    "hash",
    "patient_id",
)


def export_submissions(
    *,
    actor: User,
    clinic: Clinic,
    rows: SubmissionQuerySet,
    role: str | None,
    filters: list[str],
) -> Export:
    """CSV of `rows` (all of `clinic`), line by line; `filters` names what narrowed them.

    Cases of patients who withdrew the consent to export stay behind, and are counted. Which cases is settled, counted and recorded before the first line, so that the event and the
    file agree however long the reading takes. Raises PermissionDenied.
    """
    require(actor, clinic, Action.EXPORT)
    with transaction.atomic():
        every = rows.filter(clinic=clinic).values_list("pk", "lesion__patient__consents_to_training")
        asked = list(every)
        keys = [pk for pk, consent in asked if consent is not False]
        left_out = len(asked) - len(keys)
        record_event(
            clinic_id=clinic.pk,
            action="submission.exported",
            actor=actor,
            details={"count": len(keys), "left_out": left_out, "filters": filters},
        )
    return Export(write_rows(_with_head(SUBMISSION_COLUMNS, _read_submissions(keys, role))), left_out)


def export_audit_events(
    *, actor: User, clinic: Clinic, events: AuditEventQuerySet, filters: list[str]
) -> Iterator[str]:
    """CSV of audit events of `clinic`, oldest first. Raises PermissionDenied."""
    require(actor, clinic, Action.ADMINISTER)
    with transaction.atomic():
        keys = list(events.filter(chain__clinic=clinic).order_by("position").values_list("pk", flat=True))
        record_event(
            clinic_id=clinic.pk,
            action="audit.exported",
            actor=actor,
            details={"count": len(keys), "filters": filters},
        )
    return write_rows(_with_head(AUDIT_COLUMNS, _read_audit(keys, clinic)))


def _with_head(head: tuple[str, ...], rows: Iterator[list[object]]) -> Iterator[Any]:
    yield head
    yield from rows


def _in_chunks(
    keys: list[uuid.UUID], load: Callable[[list[uuid.UUID]], dict[uuid.UUID, Any]]
) -> Iterator[Any]:
    """Rows by `keys` in their order, a few hundred in memory at a time."""
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        found = load(part)
        yield from (found[key] for key in part if key in found)


def _read_submissions(keys: list[uuid.UUID], role: str | None) -> Iterator[list[object]]:
    rows = (
        Submission.objects.all()
        .select_related("clinic", "lesion__patient", "submitted_by", "standing_person")
        .prefetch_related(*summary_prefetches(), "reviews__acknowledgements", "images__outlines__network")
    )
    for submission in _in_chunks(keys, rows.in_bulk):
        yield describe_submission(submission, role)


def describe_submission(submission: Submission, role: str | None) -> list[object]:
    """One row in the order of SUBMISSION_COLUMNS; no free text, no name of the patient."""
    summary = summarise(submission, role=role)
    prediction, patient = summary.prediction, submission.lesion.patient
    policy = (prediction.threshold_policy if prediction else None) or {}
    reviews = list(submission.reviews.all())
    current = find_review_in_force(reviews)
    return [
        submission.pk,
        format_moment(submission.submitted_at),
        submission.state,
        summary.headline.value,
        summary.outcome,
        prediction.score if prediction else None,
        str(prediction.model_version) if prediction else None,
        policy.get("version"),
        policy.get("threshold"),
        " ".join(sorted({a.prediction.refusal_code for a in summary.refused if a.prediction})) or None,
        len(summary.answers),
        submission.priority,
        submission.source,
        patient.public_id,
        patient.mrn,
        patient.sex,
        patient.skin_type,
        _age_at(submission),
        submission.lesion_id,
        submission.lesion.body_site,
        submission.lesion.laterality,
        submission.submitted_by.get_full_name(),
        current.diagnosis if current else None,
        current.agreement if current else None,
        current.management if current else None,
        current.signed_by.get_full_name() if current else None,
        format_moment(current.signed_at) if current else None,
        len(reviews),
        *list_standing(submission, is_hidden=hides_standing(submission, role)),
        _find_referral(summary) or None,
        *list_worth(prediction),
        *list_diagnoses(prediction),
        *list_outline_measures(summary.image),
    ]


def _find_referral(summary: CaseSummary) -> str:
    """Of the image that speaks for the case, refused by the gates or referred by the model."""
    shown = summary.speaker if summary.outcome else None
    return shown.prediction.referral_code if shown and shown.prediction else ""


def _age_at(submission: Submission) -> int | None:
    birth = submission.lesion.patient.birth_date
    if birth is None:
        return None
    return count_years(birth, timezone.localdate(submission.submitted_at))


def _read_audit(keys: list[uuid.UUID], clinic: Clinic) -> Iterator[list[object]]:
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        found = AuditEvent.objects.select_related("actor").in_bulk(part)
        patients = find_patients(found.values(), clinic=clinic)
        for event in (found[key] for key in part if key in found):
            patient = patients.get(event.pk)
            yield [
                event.position,
                format_moment(event.occurred_at),
                event.actor.get_full_name() if event.actor else None,
                event.action,
                event.object_type,
                event.object_id,
                json.dumps(event.details, sort_keys=True, ensure_ascii=False) if event.details else None,
                event.hash,
                patient.public_id if patient else None,
            ]
