"""Archive contents: a patient's data as plain structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.domain.csv_cells import format_moment
from classifier.labels.answers import describe_referral
from classifier.labels.diagnoses import describe_diagnoses
from classifier.labels.probability import WORTH_COLUMNS, describe_worth, list_worth
from classifier.labels.standing import STANDING_COLUMNS, label_standing, list_standing
from classifier.models.submission import QUESTION_TEXTS
from classifier.standing.reviews import find_review_in_force
from classifier.standing.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.models import (
        Acknowledgement,
        Outcome,
        Outline,
        Patient,
        Prediction,
        Reading,
        Review,
        Submission,
        SubmissionImage,
    )
    from classifier.models.standing_columns import StandingColumns

CASE_COLUMNS = (
    "submission_id",
    "submitted_at",
    "body_site",
    "laterality",
    # As they were first called here: "question", "history".
    *(name.removeprefix("clinical_") for name in QUESTION_TEXTS),
    "headline",
    "diagnosis",
    "management",
    "comment",
    "signed_at",
    *STANDING_COLUMNS,
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
        "added_at": format_moment(patient.created_at),
        "standing": _describe_standing(patient),
        "consents": [
            {
                "purpose": row.purpose,
                "is_given": row.is_given,
                "origin": row.origin,
                "recorded_at": format_moment(row.recorded_at),
            }
            for row in patient.consents.all()
        ],
        "lesions": [
            {
                "id": str(lesion.pk),
                "body_site": lesion.body_site,
                "laterality": lesion.laterality,
                "note": lesion.note,
                "standing": _describe_standing(lesion),
                "histopathology": [_describe_outcome(row) for row in lesion.outcomes.all()],
            }
            for lesion in patient.lesions.select_related("standing_person").prefetch_related(
                "outcomes__recorded_by"
            )
        ],
        "submissions": [_describe_case(case) for case in cases],
    }


def describe_cases(cases: list[Submission]) -> Iterator[list[object]]:
    """One row a case, in the order of CASE_COLUMNS, with the review in force."""
    for case in cases:
        review = find_review_in_force(case.reviews.all())
        yield [
            case.pk,
            format_moment(case.submitted_at),
            case.lesion.body_site,
            case.lesion.laterality,
            *(getattr(case, name) for name in QUESTION_TEXTS),
            summarise(case).headline.value,
            review.diagnosis if review else None,
            review.management if review else None,
            review.comment if review else None,
            format_moment(review.signed_at) if review else None,
            *list_standing(case),
        ]


def _describe_standing(row: StandingColumns) -> dict[str, Any]:
    """For what, on whose word and since when; nothing is withheld from a patient."""
    person = row.standing_person
    return {
        "value": row.standing or None,
        "basis": row.standing_basis or None,
        "diagnosis": row.standing_diagnosis or None,
        "said_by": person.get_full_name() if person else None,
        "at": format_moment(row.standing_at),
        "label": label_standing(row).word,
    }


def _describe_case(case: Submission) -> dict[str, Any]:
    return {
        "id": str(case.pk),
        "lesion": str(case.lesion_id),
        "submitted_at": format_moment(case.submitted_at),
        "submitted_by": case.submitted_by.get_full_name(),
        **{name: getattr(case, name) for name in QUESTION_TEXTS},
        "priority": case.priority,
        "cancelled_at": format_moment(case.cancelled_at),
        "withdrawal_reason": case.withdrawal_reason,
        "standing": _describe_standing(case),
        "images": [_describe_image(image) for image in case.images.all()],
        "readings": [_describe_reading(reading) for reading in case.readings.all()],
        "reviews": [_describe_review(review) for review in case.reviews.all()],
    }


def _describe_image(image: SubmissionImage) -> dict[str, Any]:
    return {
        "id": str(image.pk),
        "file_name": image.original_name,
        "format": image.format,
        "sha256": image.sha256,
        "capture_kind": image.capture_kind,
        "dermoscopic_type": image.dermoscopic_type,
        "predictions": [_describe_prediction(row) for row in image.predictions.all() if not row.is_shadow],
        "outlines": [_describe_outline(row) for row in image.outlines.all()],
    }


def _describe_outline(row: Outline) -> dict[str, Any]:
    return {
        "network": str(row.network),
        "state": row.state,
        "points": row.points,
        "measures": row.measures or None,
        "finished_at": format_moment(row.finished_at),
    }


def _describe_prediction(row: Prediction) -> dict[str, Any]:
    return {
        "model": str(row.model_version),
        "state": row.state,
        "outcome": row.outcome,
        "is_judged": not row.is_refused if row.outcome else None,
        "calibrated_probability": row.score,
        "diagnoses": describe_diagnoses(row.could_be),
        "referral": describe_referral(row) or None,
        **dict(zip(WORTH_COLUMNS, list_worth(row), strict=True)),
        "predictive_words": describe_worth(row) or None,
        "finished_at": format_moment(row.finished_at),
    }


def _describe_reading(reading: Reading) -> dict[str, Any]:
    return {
        "question": reading.question,
        "diagnosis": reading.diagnosis,
        "management": reading.management,
        "confidence": reading.confidence,
        "read_by": reading.reader.get_full_name(),
        "read_at": format_moment(reading.read_at),
    }


def _describe_review(review: Review) -> dict[str, Any]:
    return {
        "diagnosis": review.diagnosis,
        "agreement": review.agreement,
        "management": review.management,
        "comment": review.comment,
        "amendment_reason": review.amendment_reason,
        "unseen_reason": review.unseen_reason,
        "acknowledgements": [_describe_acknowledgement(row) for row in review.acknowledgements.all()],
        "signed_by": review.signed_by.get_full_name(),
        "signed_at": format_moment(review.signed_at),
    }


def _describe_acknowledgement(row: Acknowledgement) -> dict[str, Any]:
    return {
        "done": row.done,
        "done_on": row.done_on.isoformat() if row.done_on else None,
        "note": row.note,
        "acknowledged_by": row.acknowledged_by.get_full_name(),
        "acknowledged_at": format_moment(row.acknowledged_at),
        "taken_back_at": format_moment(row.taken_back_at),
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
        "recorded_at": format_moment(row.recorded_at),
    }
