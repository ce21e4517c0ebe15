"""Prediction queue: queue, claim a batch, and what follows where a row has no try left.

How rows are claimed, finished and given back is the claim engine's business (`classifier.claims`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from classifier.claims.engine import Claims
from classifier.claims.wake_ups import RUN_PREDICTIONS
from classifier.domain.states import LIVE
from classifier.domain.vocabulary import CaptureKind, ModelLifecycle, Priority
from classifier.models import ModelVersion, Prediction, SubmissionImage
from classifier.outbox import announce_predictions
from classifier.standing.columns import refresh_standing
from classifier.standing.locks import lock_patients
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from classifier.models.claimable import Claimable


def queue_predictions(
    *, images: Sequence[SubmissionImage], priority: str = Priority.ROUTINE
) -> list[Prediction]:
    """Queue each dermoscopic image for the active model and for every shadow, in the caller's transaction.

    A version that judged an image on trial, as a shadow, judges it again once it is active: what
    was said on trial is no answer of the case.
    """
    now = timezone.now()
    images = [image for image in images if image.capture_kind == CaptureKind.DERMOSCOPIC]
    versions = ModelVersion.objects.filter(lifecycle__in=[ModelLifecycle.ACTIVE, ModelLifecycle.SHADOW])
    rows = [
        Prediction(
            image=image,
            model_version=version,
            is_shadow=version.lifecycle == ModelLifecycle.SHADOW,
            queue_rank=Prediction.RANKS[Priority(priority)],
            queued_at=now,
        )
        for image in images
        for version in versions
    ]
    live = set(
        Prediction.objects.filter(image__in=images, state__in=LIVE).values_list(
            "image_id", "model_version_id", "is_shadow"
        )
    )
    # A shadow may already have judged an image whose served prediction is tried again.
    return Prediction.objects.bulk_create(
        [row for row in rows if (row.image_id, row.model_version_id, row.is_shadow) not in live]
    )


class PredictionClaims(Claims[Prediction]):
    """The claims on predictions. Patients are locked before them, where their cases fail."""

    model = Prediction
    name = "predictions"
    task = RUN_PREDICTIONS

    def lock_before(self, rows: QuerySet[Prediction], *, is_tried: bool) -> None:
        if is_tried:
            last = rows.filter(attempt__gte=settings.DERMAPORT_MAX_ATTEMPTS, is_shadow=False)
            lock_patients(images=last.values_list("image", flat=True))

    def describe_return(self, now: dt.datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"started_at": None}

    def describe_failure(self, row: Prediction, reason: str) -> dict[str, Any]:
        return {
            "error_code": "attempts_exhausted",
            "error_message": (
                f"The worker stopped {row.attempt} times while judging this image ({reason}). "
                "Try again, or send the image to your operator."
            ),
        }

    def note_failed(self, rows: Sequence[Prediction]) -> None:
        announce_predictions(row.pk for row in rows)
        refresh_standing_of(rows)
        clinics = Prediction.objects.filter(pk__in=[row.pk for row in rows])
        record_spent(rows, "prediction.failed", dict(clinics.values_list("pk", "image__clinic_id")))


prediction_claims = PredictionClaims()


def wake_workers() -> None:
    """Wake a worker for the predictions once this transaction is committed."""
    prediction_claims.wake_on_commit()


def claim_batch(*, worker: str, limit: int, only_fresh: bool = False) -> list[Prediction]:
    """Take up to `limit` queued rows of one model version for `worker`.

    A row that was given back before is taken alone: if its image is what kills workers, it takes
    no other case with it. `only_fresh` returns nothing rather than such a row. Returns an empty
    list when nothing is queued.
    """
    queue = Prediction.objects.queued().in_queue_order()
    with transaction.atomic():
        # On PostgreSQL several claimers pass over each other's rows; SQLite has one writer.
        free = queue.select_for_update(skip_locked=True)
        head = free.values("pk", "attempt", "model_version_id", "is_shadow").first()
        if head is None or (only_fresh and head["attempt"]):
            return []
        wanted = [head["pk"]]
        if not head["attempt"]:
            like_head = free.filter(
                model_version_id=head["model_version_id"], is_shadow=head["is_shadow"], attempt=0
            )
            wanted = list(like_head.values_list("pk", flat=True)[:limit])
        taken = prediction_claims.take(wanted, worker=worker)
        rows = sorted(taken.select_related("image__clinic"), key=lambda row: wanted.index(row.pk))
    version = ModelVersion.objects.get(pk=head["model_version_id"])
    for row in rows:
        row.model_version = version
    return rows


def refresh_standing_of(rows: Iterable[Prediction]) -> None:
    """What the cases of these answered rows are held for; the caller holds their patients' locks."""
    images = {row.image_id for row in rows if not row.is_shadow}
    cases = SubmissionImage.objects.filter(pk__in=images).values_list("submission", flat=True)
    refresh_standing(set(cases))


def record_spent(rows: Sequence[Claimable], action: str, clinics: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """One audit event for each of `rows` that has no try left."""
    record_events(
        Entry(
            clinic_id=clinics[row.pk],
            action=action,
            obj=row,
            details={"code": "attempts_exhausted", "attempts": row.attempt},
        )
        for row in rows
    )


def position_in_queue(prediction: Prediction) -> int:
    """How many queued rows go first; 0 is next."""
    same_lane = Q(is_shadow=prediction.is_shadow, queue_rank=prediction.queue_rank)
    before = (
        Q(is_shadow__lt=prediction.is_shadow)
        | Q(is_shadow=prediction.is_shadow, queue_rank__lt=prediction.queue_rank)
        | same_lane & Q(queued_at__lt=prediction.queued_at)
        | same_lane & Q(queued_at=prediction.queued_at, id__lt=prediction.pk)
    )
    return Prediction.objects.queued().filter(before).count()
