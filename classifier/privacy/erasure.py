"""Erasure of a patient: pictures, texts and identifiers go; figures, decisions and the audit log stay.

What stays names nobody: cases with their outcome under a public id that leads nowhere, so that
what a model did can still be counted, readings, which are codes alone, and events that hold ids.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from classifier.cases.reading_claims import end_claims
from classifier.consents import stop_inference
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.vocabulary import ErasureReason, FileStore, Sex
from classifier.file_removals import overlay_name, queue_removals
from classifier.intake.idempotency import forget_answers
from classifier.models import (
    Acknowledgement,
    EmergencyAccess,
    Explanation,
    Lesion,
    Outcome,
    Outline,
    Patient,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_standing
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event
from portal.trust.common.bypass import bypass_immutability
from portal.trust.encryption.fields import list_encrypted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from portal.trust.accounts.models import User

ERASED = "Erased."
STOPPED = ("patient_erased", "The patient's data were erased, so no model judges this image.")


def erase_patient(
    *, actor: User | None, patient: Patient, reason: str, expected: Collection[str] | None = None
) -> Patient:
    """Erase `patient`; `actor` is None where the clinic's own retention policy asks for it.

    The files go after the commit, those that a worker may still write when its lease ends. Raises
    PermissionDenied, InvalidInputError (reason_unknown), ConflictError (legal_hold,
    already_erased), or ChangedError unless the tag is an `expected` one.
    """
    if actor is not None:
        require(actor, patient.clinic_id, Action.ADMINISTER)
    if reason not in ErasureReason.values:
        raise InvalidInputError("reason_unknown", "Choose a reason from the list.", field="reason")
    with bypass_immutability("erasure"):
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        _check(patient)
        check_unchanged(patient, expected)
        stopped = stop_inference(patient, *STOPPED)
        files = queue_removals(_list_files(patient))
        counts = _erase_rows(patient)
        record_event(
            clinic_id=patient.clinic_id,
            action="patient.erased",
            actor=actor,
            obj=patient,
            details={"reason": reason, "files": files, "predictions_stopped": stopped, **counts},
        )
    return patient


def _check(patient: Patient) -> None:
    if patient.erased_at is not None:
        raise ConflictError("already_erased", "This patient was already erased.")
    if patient.is_on_hold:
        raise ConflictError(
            "legal_hold", "This patient is on legal hold. Lift the hold first, or leave the data as they are."
        )


def _list_files(patient: Patient) -> Iterator[tuple[FileStore, str, dt.datetime]]:
    now = timezone.now()
    images = SubmissionImage.objects.filter(submission__lesion__patient=patient)
    for original, derivative, thumbnail in images.values_list("original", "derivative", "thumbnail"):
        yield FileStore.SEALED, original, now
        yield FileStore.DERIVED, derivative, now
        yield FileStore.DERIVED, thumbnail, now
    # A worker whose claim was just taken may still write the overlay of its try.
    later = now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS)
    maps = Explanation.objects.filter(prediction__image__submission__lesion__patient=patient)
    for explanation in maps:
        yield FileStore.DERIVED, str(explanation.overlay), now
        for attempt in range(1, explanation.attempt + 1):
            yield FileStore.DERIVED, overlay_name(explanation, attempt), later


def _erase_rows(patient: Patient) -> dict[str, int]:
    """Blank every text and identifier; return how many rows that were, by kind."""
    submissions = Submission.objects.filter(lesion__patient=patient)
    images = _rows(SubmissionImage, submission__lesion__patient=patient)
    reviews = _rows(Review, submission__lesion__patient=patient)
    maps = _rows(Explanation, prediction__image__submission__lesion__patient=patient)
    outlines = _rows(Outline, image__submission__lesion__patient=patient)
    outcomes = _rows(Outcome, lesion__patient=patient)
    lesions = Lesion.objects.filter(patient=patient)
    for rows in (Patient.objects.filter(pk=patient.pk), lesions, submissions, reviews, outcomes):
        forget_answers(clinic_id=patient.clinic_id, about=rows.values_list("pk", flat=True))
    lesions.update(note="")
    EmergencyAccess.objects.filter(patient=patient).update(reason=ERASED)
    done = Acknowledgement.objects.filter(review__submission__lesion__patient=patient)
    done.exclude(note="").update(note=ERASED)
    counts = {
        "submissions": submissions.update(**dict.fromkeys(list_encrypted(Submission), "")),
        "images": images.update(original_name="", sha256="", pixel_sha256=""),
        "reviews": reviews.update(comment="", unseen_reason=""),
        "outcomes": outcomes.update(comment=""),
        "explanations": maps.count(),
        "outlines": outlines.count(),
    }
    outcomes.filter(corrects__isnull=False).update(correction_reason=ERASED)
    reviews.filter(amends__isnull=False).update(amendment_reason=ERASED)
    maps.delete()
    # The shape of a lesion is part of its picture.
    outlines.delete()
    patient.mrn = f"erased {patient.public_id}"
    patient.birth_date, patient.sex, patient.skin_type = None, Sex.UNKNOWN, ""
    patient.consents_to_inference = False
    patient.consents_to_teaching = patient.consents_to_training = None
    patient.erased_at = timezone.now()
    patient.save()
    # Nobody carries out what was ordered for a patient who is not known any more.
    refresh_standing(submissions.values_list("pk", flat=True))
    submissions.update(is_unread=False)
    end_claims(*submissions)
    return counts


def _rows(model: type[models.Model], **condition: Any) -> models.QuerySet[Any]:
    """The plain queryset: a model's own may refuse every change."""
    return models.QuerySet(model).filter(**condition)
