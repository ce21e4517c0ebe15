"""The queue is a table: queue, claim, give back, reconcile.

A Celery message only wakes a worker. Every step is a conditional UPDATE whose row count says who
won, so that lost, doubled and late messages, and workers killed at any moment, change nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from classifier.models import ModelVersion, Prediction
from classifier.services.worker_identity import is_dead_neighbour
from classifier.states import PredictionState, transition
from classifier.vocabulary import ModelLifecycle, Priority
from portal.audit.services import Entry, record_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.models import SubmissionImage
    from classifier.models.prediction import PredictionQuerySet

log = structlog.get_logger(__name__)

CLAIM_TRIES = 5


def queue_predictions(
    *, images: Sequence[SubmissionImage], priority: str = Priority.ROUTINE
) -> list[Prediction]:
    """Queue each image for the active model and for every shadow, in the caller's transaction."""
    now = timezone.now()
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
    # A shadow may already have judged an image whose served prediction is tried again.
    return Prediction.objects.bulk_create([row for row in rows if not row.is_shadow or not _is_live(row)])


def _is_live(row: Prediction) -> bool:
    return Prediction.objects.filter(
        image=row.image,
        model_version=row.model_version,
        state__in=[PredictionState.QUEUED, PredictionState.RUNNING, PredictionState.SUCCEEDED],
    ).exists()


def wake_workers() -> None:
    """Send one wake-up after commit. A lost broker delays work and never loses it."""
    transaction.on_commit(send_wake_up)


def send_wake_up() -> None:
    """Send one wake-up now; without a broker, say so and leave it to the reconciler."""
    from classifier.tasks import run_predictions_task  # noqa: PLC0415 (tasks call services)

    try:
        run_predictions_task.apply_async(retry=False)
    except OperationalError:
        log.warning("wake_up_not_sent", reason="broker unreachable")


def claim_batch(*, worker: str, limit: int) -> list[Prediction]:
    """Take up to `limit` queued rows of one model version for `worker`.

    A row that was given back before is taken alone: if its image is what kills workers, it takes
    no other case with it. Returns an empty list when nothing is queued.
    """
    for _ in range(CLAIM_TRIES):
        head = Prediction.objects.queued().in_queue_order().first()
        if head is None:
            return []
        wanted = [head.pk] if head.attempt else _batch_of(head, limit)
        now = timezone.now()
        claim = uuid.uuid4()
        won = transition(
            Prediction.objects.filter(pk__in=wanted),
            source=PredictionState.QUEUED,
            target=PredictionState.RUNNING,
            attempt=F("attempt") + 1,
            claim=claim,
            worker=worker,
            started_at=now,
            lease_until=now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS),
        )
        if won:
            return list(
                Prediction.objects.filter(claim=claim, state=PredictionState.RUNNING)
                .select_related("model_version", "image")
                .in_queue_order()
            )
    return []


def _batch_of(head: Prediction, limit: int) -> list[uuid.UUID]:
    return list(
        Prediction.objects.queued()
        .filter(model_version_id=head.model_version_id, is_shadow=head.is_shadow, attempt=0)
        .in_queue_order()
        .values_list("pk", flat=True)[:limit]
    )


def give_back(*, rows: PredictionQuerySet, reason: str) -> tuple[int, int]:
    """Return running `rows` to the queue, or fail those out of tries; (queued, failed).

    `rows` must be narrowed to claims that are truly over (own, expired, dead) by conditions on
    the row itself, so that the UPDATE checks them once more.
    """
    most = settings.DERMAPORT_MAX_ATTEMPTS
    with transaction.atomic():
        spent = list(rows.filter(state=PredictionState.RUNNING, attempt__gte=most).select_related("image"))
        failed = [row for row in spent if _fail_spent(row, reason)]
        queued = transition(
            rows.filter(attempt__lt=most),
            source=PredictionState.RUNNING,
            target=PredictionState.QUEUED,
            claim=None,
            worker="",
            lease_until=None,
            started_at=None,
        )
        record_events(
            Entry(
                clinic_id=row.image.clinic_id,
                action="prediction.failed",
                obj=row,
                details={"code": "attempts_exhausted", "attempts": row.attempt},
            )
            for row in failed
        )
    if queued or failed:
        log.warning("predictions_given_back", reason=reason, queued=queued, failed=len(failed))
    return queued, len(failed)


def _fail_spent(row: Prediction, reason: str) -> bool:
    return bool(
        transition(
            Prediction.objects.filter(pk=row.pk, attempt=row.attempt, claim=row.claim),
            source=PredictionState.RUNNING,
            target=PredictionState.FAILED,
            finished_at=timezone.now(),
            lease_until=None,
            error_code="attempts_exhausted",
            error_message=(
                f"The worker stopped {row.attempt} times while judging this image ({reason}). "
                "Try again, or send the image to your operator."
            ),
        )
    )


def reconcile() -> tuple[int, int]:
    """Give back expired leases and those of dead processes here; wake workers if work waits."""
    expired = Prediction.objects.filter(state=PredictionState.RUNNING, lease_until__lt=timezone.now())
    queued, failed = give_back(rows=expired, reason="its lease ran out")
    queued_dead, failed_dead = give_back_dead_claims()
    if Prediction.objects.queued().exists():
        send_wake_up()
    return queued + queued_dead, failed + failed_dead


def give_back_dead_claims() -> tuple[int, int]:
    """Give back what processes of this machine held that are no longer alive."""
    running = Prediction.objects.filter(state=PredictionState.RUNNING)
    dead = [
        worker
        for worker in running.order_by().values_list("worker", flat=True).distinct()
        if is_dead_neighbour(worker)
    ]
    if not dead:
        return 0, 0
    return give_back(rows=running.filter(worker__in=dead), reason="its worker died")


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
