"""A patient's data as plain structures, for the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.case_summary import summarise

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from classifier.models import Outcome, Patient, Prediction, Review, Submission, SubmissionImage

CASE_COLUMNS = (
    "submission_id",
    "submitted_at",
    "body_site",
    "laterality",
    "question",
    "history",
    "headline",
    "diagnosis",
    "management",
    "comment",
    "signed_at",
)


def describe_patient(patient: Patient, cases: list[Submission]) -> dict[str, Any]:
    """Everything but the pictures."""
    return {
        "public_id": patient.public_id,
        "mrn": patient.mrn,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "sex": patient.sex,
        "skin_type": patient.skin_type,
        "clinic": patient.clinic.name,
        "added_at": _moment(patient.created_at),
        "consents": [
            {"purpose": row.purpose, "is_given": row.is_given, "recorded_at": _moment(row.recorded_at)}
            for row in patient.consents.all()
        ],
        "lesions": [
            {
                "id": str(lesion.pk),
                "body_site": lesion.body_site,
                "laterality": lesion.laterality,
                "note": lesion.note,
                "histopathology": [_describe_outcome(row) for row in lesion.outcomes.all()],
            }
            for lesion in patient.lesions.prefetch_related("outcomes__recorded_by")
        ],
        "submissions": [_describe_case(case) for case in cases],
    }


def describe_cases(cases: list[Submission]) -> Iterator[list[object]]:
    """One row a case, in the order of CASE_COLUMNS, with the newest review."""
    for case in cases:
        review = max(case.reviews.all(), key=lambda row: row.signed_at, default=None)
        yield [
            case.pk,
            _moment(case.submitted_at),
            case.lesion.body_site,
            case.lesion.laterality,
            case.clinical_question,
            case.clinical_history,
            summarise(case).headline.value,
            review.diagnosis if review else None,
            review.management if review else None,
            review.comment if review else None,
            _moment(review.signed_at) if review else None,
        ]


def _describe_case(case: Submission) -> dict[str, Any]:
    return {
        "id": str(case.pk),
        "lesion": str(case.lesion_id),
        "submitted_at": _moment(case.submitted_at),
        "submitted_by": case.submitted_by.get_full_name(),
        "clinical_question": case.clinical_question,
        "clinical_history": case.clinical_history,
        "priority": case.priority,
        "cancelled_at": _moment(case.cancelled_at) if case.cancelled_at else None,
        "images": [_describe_image(image) for image in case.images.all()],
        "reviews": [_describe_review(review) for review in case.reviews.all()],
    }


def _describe_image(image: SubmissionImage) -> dict[str, Any]:
    return {
        "id": str(image.pk),
        "file_name": image.original_name,
        "format": image.format,
        "sha256": image.sha256,
        "capture_kind": image.capture_kind,
        "predictions": [_describe_prediction(row) for row in image.predictions.all() if not row.is_shadow],
    }


def _describe_prediction(row: Prediction) -> dict[str, Any]:
    return {
        "model": str(row.model_version),
        "state": row.state,
        "outcome": row.outcome,
        "calibrated_probability": row.calibrated_probability,
        "finished_at": _moment(row.finished_at) if row.finished_at else None,
    }


def _describe_review(review: Review) -> dict[str, Any]:
    return {
        "diagnosis": review.diagnosis,
        "agreement": review.agreement,
        "management": review.management,
        "comment": review.comment,
        "amendment_reason": review.amendment_reason,
        "signed_by": review.signed_by.get_full_name(),
        "signed_at": _moment(review.signed_at),
    }


def _describe_outcome(row: Outcome) -> dict[str, Any]:
    return {
        "diagnosis": row.diagnosis,
        "procedure": row.procedure,
        "specimen_taken_on": row.specimen_taken_on.isoformat(),
        "reported_on": row.reported_on.isoformat(),
        "breslow_mm": str(row.breslow_mm) if row.breslow_mm is not None else None,
        "comment": row.comment,
        "correction_reason": row.correction_reason,
        "recorded_by": row.recorded_by.get_full_name(),
        "recorded_at": _moment(row.recorded_at),
    }


def _moment(value: dt.datetime) -> str:
    return value.isoformat(timespec="seconds")
