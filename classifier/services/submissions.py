"""Write submissions: one call stores the images, the case and its queued predictions, or nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from classifier.cases.claims import end_claims
from classifier.cases.orders import answer_by_image, reopen_answered_by
from classifier.cases.standing import lock_patients, refresh_standing
from classifier.cases.withdrawal import NEEDS_READER, weigh_withdrawal
from classifier.limits import UploadLimits
from classifier.models import ModelVersion, Patient, Prediction, Submission, SubmissionImage
from classifier.services.consents import (
    check_inference_consent,
    check_not_erased,
    require_inference_consent,
)
from classifier.services.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.services.field_limits import check_length
from classifier.services.images import NewImage, StoredFiles, storage_unavailable, write_files
from classifier.services.preconditions import check_unchanged
from classifier.services.queue import queue_predictions, wake_workers
from classifier.states import PredictionState, transition
from classifier.vocabulary import CaptureKind, DermoscopicType, Priority, Source
from portal.accounts.permissions import require, role_in
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from classifier.models import Lesion
    from portal.accounts.models import User

STANDING_COLUMNS = (
    *("state", "model_answer", "model_probability", "standing", "standing_basis", "standing_diagnosis"),
    *("standing_person", "standing_at", "standing_rank", "management", "order_due_at"),
)
DISK_FULL = ("disk is full", "No space left on device")


@dataclass(frozen=True, kw_only=True)
class Question:
    """The clinical side of a submission."""

    clinical_question: str = ""
    clinical_history: str = ""
    priority: str = Priority.ROUTINE
    source: str = Source.PAGE
    request_key: uuid.UUID = field(default_factory=uuid.uuid4)


def create_submission(
    *, actor: User, lesion: Lesion, images: Sequence[NewImage], question: Question
) -> Submission:
    """Store `images` of `lesion` and queue them for the active model and its shadows.

    Sending the same `request_key` again returns the submission that the first call made.
    The network judges dermoscopic pictures only: without one neither consent nor model is needed.
    Raises PermissionDenied; InvalidInputError (no_images, too_many_images, capture_kind_unknown,
    dermoscopic_type_unknown, type_of_other_kind, consent_missing, question_too_long, history_too_long,
    priority_unknown); UnavailableError (no_active_model, storage_unavailable).
    """
    clinic = lesion.patient.clinic
    require(actor, clinic, Action.SUBMIT)
    earlier = find_by_request_key(clinic_id=clinic.pk, request_key=question.request_key)
    if earlier is not None:
        return earlier
    _check(lesion=lesion, images=images, question=question)
    submission = Submission(
        clinic=clinic,
        lesion=lesion,
        submitted_by=actor,
        submitted_at=timezone.now(),
        clinical_question=question.clinical_question.strip(),
        clinical_history=question.clinical_history.strip(),
        priority=question.priority,
        source=question.source,
        request_key=question.request_key,
    )
    stored = StoredFiles()
    try:
        with stored.removed_without_rows():
            write_files(submission=submission, images=images, stored=stored)
            _save(submission, stored, actor=actor)
    except IntegrityError:
        # Two requests with one key at the same moment: the slower one takes the faster's answer.
        earlier = find_by_request_key(clinic_id=clinic.pk, request_key=question.request_key)
        if earlier is None:
            raise
        return earlier
    except OperationalError as error:
        if any(words in str(error) for words in DISK_FULL):
            raise storage_unavailable() from error
        raise
    return submission


def _save(submission: Submission, stored: StoredFiles, *, actor: User) -> None:
    """Commit the case, its images and its queued predictions together."""
    with transaction.atomic():
        # The first lock, either way, is the patient's.
        if any(row.capture_kind == CaptureKind.DERMOSCOPIC for row in stored.rows):
            require_inference_consent(submission.lesion.patient_id, actor=actor)
        else:
            lock_patients(patients=[submission.lesion.patient_id])
            check_not_erased(Patient.objects.get(pk=submission.lesion.patient_id))
        submission.save(force_insert=True)
        rows = SubmissionImage.objects.bulk_create(stored.rows)
        queue_predictions(images=rows, priority=submission.priority)
        refresh_standing([submission.pk], actor=actor)
        answer_by_image(actor=actor, submission=submission)
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.created",
            actor=actor,
            obj=submission,
            details={"images": len(rows), "source": submission.source},
        )
        wake_workers()
    # What the case is held for was worked out from its rows.
    submission.refresh_from_db(fields=[*STANDING_COLUMNS, "is_unread", "news_at"])


def find_by_request_key(*, clinic_id: uuid.UUID, request_key: uuid.UUID) -> Submission | None:
    """The submission that this key already made in this clinic, if any."""
    return Submission.objects.filter(clinic_id=clinic_id, request_key=request_key).first()


def cancel_submission(
    *, actor: User, submission: Submission, reason: str = "", expected: Collection[str] | None = None
) -> Submission:
    """Withdraw a case that no one has signed: unfinished predictions stop, results stay.

    Free while there is no result; afterwards only with a `reason`. What is malignant or to be referred,
    by the model or by histopathology, and what can't be told, needs a reader and is not withdrawn. From
    who is to read before seeing the model's answer, nothing judged is: the refusal would tell it.

    What the case answered of earlier orders is open again.
    Raises PermissionDenied; InvalidInputError (reason_missing, withdrawal_reason_too_long);
    ConflictError (already_cancelled, already_reviewed, needs_reader); ChangedError unless the tag is an
    `expected` one.
    """
    require(actor, submission.clinic_id, Action.CANCEL)
    reason = reason.strip()
    check_length(Submission, "withdrawal_reason", reason, what="The reason")
    with transaction.atomic():
        lock_patients(submissions=[submission.pk])
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        check_unchanged(submission, expected)
        _check_withdrawal(submission, reason, role=role_in(actor, submission.clinic_id))
        unfinished = _lock_unfinished(submission)
        now = timezone.now()
        submission.cancelled_at, submission.cancelled_by = now, actor
        submission.withdrawal_reason = reason
        submission.save(update_fields=["cancelled_at", "cancelled_by", "withdrawal_reason"])
        stopped = sum(
            transition(
                Prediction.objects.filter(pk__in=unfinished),
                source=state,
                target=PredictionState.CANCELLED,
                finished_at=now,
                lease_until=None,
                claim=None,
            )
            for state in (PredictionState.QUEUED, PredictionState.RUNNING)
        )
        end_claims(submission)
        refresh_standing([submission.pk], actor=actor)
        reopen_answered_by(actor=actor, submission=submission)
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.cancelled",
            actor=actor,
            obj=submission,
            details={"predictions_stopped": stopped},
        )
    return submission


def _check_withdrawal(submission: Submission, reason: str, *, role: str | None) -> None:
    if submission.cancelled_at is not None:
        raise ConflictError("already_cancelled", "This case was already withdrawn.")
    if submission.reviews.exists():
        raise ConflictError("already_reviewed", "This case is signed, so it can't be withdrawn.")
    rule = weigh_withdrawal(submission, role=role)
    if rule.needs_reader:
        raise ConflictError("needs_reader", NEEDS_READER)
    if rule.needs_reason and not reason:
        raise InvalidInputError(
            "reason_missing",
            "There is a result, so say why the case is withdrawn.",
            field="withdrawal_reason",
        )


def _lock_unfinished(submission: Submission) -> list[uuid.UUID]:
    images = list(submission.images.values_list("pk", flat=True))
    rows = Prediction.objects.unfinished().filter(image__in=images).order_by("pk").select_for_update()
    return list(rows.values_list("pk", flat=True))


def retry_submission(*, actor: User, submission: Submission) -> int:
    """Queue anew every image whose served prediction failed; return how many.

    The failed row stays as history. Raises PermissionDenied, InvalidInputError (consent_missing)
    or ConflictError (cancelled, already_reviewed, nothing_to_retry).
    """
    require(actor, submission.clinic_id, Action.SUBMIT)
    with transaction.atomic():
        require_inference_consent(submission.lesion.patient_id, actor=actor)
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if submission.cancelled_at is not None:
            raise ConflictError("cancelled", "This case was withdrawn; submit it again.")
        if submission.reviews.exists():
            raise ConflictError(
                "already_reviewed",
                "This submission is reviewed and signed; a new result would come too late.",
            )
        images = _images_without_answer(submission)
        if not images:
            raise ConflictError("nothing_to_retry", "Every image has a result or is in work.")
        queue_predictions(images=images, priority=submission.priority)
        refresh_standing([submission.pk], actor=actor)
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.retried",
            actor=actor,
            obj=submission,
            details={"images": len(images)},
        )
        wake_workers()
    return len(images)


def _images_without_answer(submission: Submission) -> list[SubmissionImage]:
    settled = [PredictionState.QUEUED, PredictionState.RUNNING, PredictionState.SUCCEEDED]
    return [
        image
        for image in submission.images.for_the_model().prefetch_related("predictions")
        if not any(p.state in settled and not p.is_shadow for p in image.predictions.all())
    ]


def _check(*, lesion: Lesion, images: Sequence[NewImage], question: Question) -> None:
    most = UploadLimits.from_settings().max_images
    if not images:
        raise InvalidInputError("no_images", "Add at least one image.", field="images")
    if len(images) > most:
        raise InvalidInputError(
            "too_many_images",
            f"You sent {len(images)} images; one submission takes at most {most}.",
            field="images",
        )
    _check_kinds(images)
    is_for_the_model = any(image.capture_kind == CaptureKind.DERMOSCOPIC for image in images)
    check_not_erased(lesion.patient)
    if is_for_the_model:
        check_inference_consent(lesion.patient)
    if question.priority not in Priority.values:
        raise InvalidInputError(
            "priority_unknown",
            f"Priority can be one of {', '.join(Priority.values)}.",
            field="priority",
        )
    check_length(Submission, "clinical_question", question.clinical_question, what="The question")
    check_length(Submission, "clinical_history", question.clinical_history, what="The history")
    if is_for_the_model and not ModelVersion.objects.active().exists():
        raise UnavailableError(
            "no_active_model",
            "No model is active, so nothing can be judged. Nothing was saved; "
            "ask your operator to activate one.",
        )


def _check_kinds(images: Sequence[NewImage]) -> None:
    """Each picture has a kind of its own, and how it was lit is said of a dermoscopic one alone."""
    for index, image in enumerate(images):
        field_name = f"images.{index}"
        if image.capture_kind not in CaptureKind.values:
            raise InvalidInputError(
                "capture_kind_unknown",
                f"The kind of a picture can be one of {', '.join(CaptureKind.values)}.",
                field=field_name,
            )
        if image.dermoscopic_type and image.dermoscopic_type not in DermoscopicType.values:
            raise InvalidInputError(
                "dermoscopic_type_unknown",
                f"The type of a dermoscopic picture can be one of {', '.join(DermoscopicType.values)}, or empty.",
                field=field_name,
            )
        if image.dermoscopic_type and image.capture_kind != CaptureKind.DERMOSCOPIC:
            raise InvalidInputError(
                "type_of_other_kind",
                "Only a dermoscopic picture has a dermoscopic type. Leave it out, or correct the kind.",
                field=field_name,
            )
