"""Optimistic locking: a change is made only to what its sender has read."""

from __future__ import annotations

import json
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from django.utils.crypto import salted_hmac

from classifier.domain.errors import ChangedError
from classifier.models import Lesion, ModelVersion, Outcome, Patient, Prediction, Review, Submission
from classifier.standing.reviews import IS_IN_FORCE
from portal.trust.accounts.models import Clinic

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db import models

    from classifier.models.standing_columns import StandingColumns


# --- Entity tags --------------------------------------------------------------------------------
# A short word for how a row stands, that changes with all that people can change of it.


def make_tag(*facts: Any) -> str:
    """A quoted tag, as it stands in an ETag header.

    Keyed: a bare digest could be tried out, and some are to read a case before they know what the model says.
    """
    text = json.dumps(facts, default=str, separators=(",", ":"))
    return f'"{salted_hmac("classifier.entity_tags", text, algorithm="sha256").hexdigest()[:32]}"'


@singledispatch
def tag_of(row: models.Model) -> str:
    raise TypeError(f"expected a row that has a tag, received a {type(row).__name__}")


@tag_of.register
def _(patient: Patient) -> str:
    """With the newest word on consent: who withdrew and agreed again stands as before, after other words."""
    facts = (patient.mrn, patient.birth_date, patient.sex, patient.skin_type)
    agreed = (patient.consents_to_inference, patient.consents_to_teaching, patient.consents_to_training)
    newest = patient.consents.values_list("pk", flat=True).first()
    return make_tag(
        "patient", patient.pk, *facts, *agreed, newest, _held(patient), patient.standing_lesion_id
    )


@tag_of.register
def _(lesion: Lesion) -> str:
    return make_tag("lesion", *_place(lesion), _held(lesion), lesion.standing_case_id)


def _place(lesion: Lesion) -> tuple[Any, ...]:
    return (lesion.pk, lesion.body_site, lesion.laterality, lesion.note)


def _held(row: StandingColumns) -> tuple[Any, ...]:
    """For what, on whose word and since when."""
    return (row.standing, row.standing_basis, row.standing_diagnosis, row.standing_person_id, row.standing_at)


@tag_of.register
def _(submission: Submission) -> str:
    """Three queries: pictures, and what workers and readers did, stand in rows of their own.

    Not with `is_unread` or who has it open: those are no facts of the case.
    """
    predictions = Prediction.objects.served().filter(image__submission=submission).order_by("pk")
    images = submission.images.order_by("pk").values_list("pk", "capture_kind", "dermoscopic_type")
    reviews = Review.objects.filter(submission=submission).order_by("pk", "acknowledgements__pk")
    return make_tag(
        "submission",
        submission.pk,
        submission.cancelled_at,
        submission.order_due_at,
        submission.clinic.hide_result_until_read,
        _held(submission),
        _place(submission.lesion),
        list(images),
        list(predictions.values_list("pk", "state", "attempt")),
        # One acknowledgement after another leaves the order closed, and says something else of it.
        list(reviews.values_list("pk", "acknowledgements__pk", "acknowledgements__taken_back_at")),
    )


@tag_of.register
def _(review: Review) -> str:
    """The row never changes; whether it is the one that counts does."""
    return make_tag("review", review.pk, not Review.objects.filter(IS_IN_FORCE, pk=review.pk).exists())


@tag_of.register
def _(outcome: Outcome) -> str:
    """As a review."""
    return make_tag("outcome", outcome.pk, Outcome.objects.filter(corrects=outcome).exists())


@tag_of.register
def _(prediction: Prediction) -> str:
    """With what decides whether it is shown: a review, a cancellation, the clinic's own rule."""
    case = prediction.image.submission
    is_reviewed = Review.objects.filter(submission=case).exists()
    rule = case.clinic.hide_result_until_read
    return make_tag(
        "prediction",
        prediction.pk,
        prediction.state,
        prediction.attempt,
        is_reviewed,
        case.cancelled_at,
        rule,
    )


@tag_of.register
def _(version: ModelVersion) -> str:
    return make_tag("model version", version.pk, version.lifecycle, version.activated_at)


@tag_of.register
def _(clinic: Clinic) -> str:
    return make_tag(
        "clinic",
        clinic.pk,
        clinic.name,
        clinic.hide_result_until_read,
        clinic.consent_recorded_in,
        clinic.kind,
        clinic.prevalence,
    )


ANY = "*"


def check_unchanged(row: models.Model, expected: Collection[str] | None) -> None:
    """Raise ChangedError (changed_meanwhile) unless `row`, locked, has one of the `expected` tags.

    None expects nothing. The row is to be locked by the transaction that then changes it: of two
    that read the same tag, the second one is told.
    """
    if expected is None or ANY in expected or tag_of(row) in expected:
        return
    raise ChangedError(
        "changed_meanwhile",
        "Somebody changed this after you read it. Read it again, then repeat your change.",
    )
