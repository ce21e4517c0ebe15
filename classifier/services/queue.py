"""The queue is a table: queue, claim, give back, reconcile.

A Celery message only wakes a worker. Every step is a conditional UPDATE whose row count says who
won, so that lost, doubled and late messages, and workers killed at any moment, change nothing.
Whoever changes several rows locks them in the order of their ids, then the audit chain: nobody
waits in a circle.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from classifier.cases.standing import lock_patients, refresh_standing
from classifier.claims.identity import list_dead_holders
from classifier.models import ModelVersion, Prediction, SubmissionImage
from classifier.services.webhook_outbox import announce_predictions
from classifier.states import LIVE, PredictionState, transition
from classifier.vocabulary import CaptureKind, ModelLifecycle, Priority
from portal.audit.services import Entry, record_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from celery import Task

    from classifier.models.prediction import PredictionQuerySet

log = structlog.get_logger(__name__)

WAKE_UP_TRIES = 2
SLOW_SECONDS = 1.0
PAUSE_SECONDS = 30.0
_unsent_until = 0.0


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


def wake_workers() -> None:
    """Send one wake-up after commit. A lost broker delays work and never loses it."""
    transaction.on_commit(send_wake_up, robust=True)


def send_wake_up() -> None:
    """Wake a worker for the predictions; where that fails, leave it to the reconciler."""
    from classifier.tasks import run_predictions_task  # noqa: PLC0415 (tasks call services)

    send_message(run_predictions_task)


def send_message(task: Task[..., None]) -> None:
    """Send one wake-up for `task` now; where that fails, say so and leave it to the reconciler.

    Tried twice, because the first use of a connection to a broker that was restarted fails. A
    broker that hangs is let alone for a while: people must not wait for it at every submission.
    """
    global _unsent_until  # noqa: PLW0603 (a plain fact of this process)

    started = time.monotonic()
    if started < _unsent_until:
        return
    reason = ""
    for _ in range(WAKE_UP_TRIES):
        try:
            task.apply_async(retry=False)
        except Exception as error:  # noqa: BLE001 (unreachable, full, wrong password: the row is safe)
            reason = type(error).__name__
        else:
            return
        if time.monotonic() - started > SLOW_SECONDS:
            _unsent_until = time.monotonic() + PAUSE_SECONDS
            break
    log.warning("wake_up_not_sent", reason=reason)


def claim_batch(*, worker: str, limit: int, only_fresh: bool = False) -> list[Prediction]:
    """Take up to `limit` queued rows of one model version for `worker`.

    A row that was given back before is taken alone: if its image is what kills workers, it takes
    no other case with it. `only_fresh` returns nothing rather than such a row. Returns an empty
    list when nothing is queued.
    """
    queue = Prediction.objects.queued().in_queue_order()
    now = timezone.now()
    claim = uuid.uuid4()
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
        transition(
            Prediction.objects.filter(pk__in=wanted),
            source=PredictionState.QUEUED,
            target=PredictionState.RUNNING,
            attempt=F("attempt") + 1,
            claim=claim,
            worker=worker,
            started_at=now,
            lease_until=now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS),
        )
        rows = list(
            Prediction.objects.filter(pk__in=wanted, claim=claim).select_related("image").in_queue_order()
        )
    version = ModelVersion.objects.get(pk=head["model_version_id"])
    for row in rows:
        row.model_version = version
    return rows


def lock_running(rows: PredictionQuerySet) -> dict[uuid.UUID, Prediction]:
    """Lock those of `rows` that are running, in the order of their ids; call it in a transaction."""
    return {
        row.pk: row for row in rows.filter(state=PredictionState.RUNNING).order_by("pk").select_for_update()
    }


def give_back(*, rows: PredictionQuerySet, reason: str, is_tried: bool = True) -> tuple[int, int]:
    """Return running `rows` to the queue, or fail those out of tries; (queued, failed).

    `rows` must be narrowed to claims that are truly over (own, expired, dead) by conditions on
    the row itself. `is_tried=False` takes the attempt back: what went wrong was not the image.
    """
    most = settings.DERMAPORT_MAX_ATTEMPTS
    with transaction.atomic():
        if is_tried:
            last = rows.filter(attempt__gte=most, is_shadow=False)
            lock_patients(images=last.values_list("image", flat=True))
        locked = lock_running(rows)
        spent = [row for row in locked.values() if is_tried and row.attempt >= most]
        spent_ids = {row.pk for row in spent}
        queued = transition(
            Prediction.objects.filter(pk__in=[pk for pk in locked if pk not in spent_ids]),
            source=PredictionState.RUNNING,
            target=PredictionState.QUEUED,
            claim=None,
            worker="",
            lease_until=None,
            started_at=None,
            attempt=F("attempt") - int(not is_tried),
        )
        for row in spent:
            _fail_spent(row, reason)
        if spent:
            announce_predictions(spent_ids)
            refresh_standing_of(spent)
        _record_failures(spent)
    if locked:
        log.warning("predictions_given_back", reason=reason, queued=queued, failed=len(spent))
    return queued, len(spent)


def refresh_standing_of(rows: Iterable[Prediction]) -> None:
    """What the cases of these answered rows are held for; the caller holds their patients' locks."""
    images = {row.image_id for row in rows if not row.is_shadow}
    cases = SubmissionImage.objects.filter(pk__in=images).values_list("submission", flat=True)
    refresh_standing(set(cases))


def _fail_spent(row: Prediction, reason: str) -> None:
    transition(
        Prediction.objects.filter(pk=row.pk),
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


def _record_failures(rows: Sequence[Prediction]) -> None:
    clinics = dict(
        Prediction.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "image__clinic_id")
    )
    record_events(
        Entry(
            clinic_id=clinics[row.pk],
            action="prediction.failed",
            obj=row,
            details={"code": "attempts_exhausted", "attempts": row.attempt},
        )
        for row in rows
    )


def reconcile() -> tuple[int, int]:
    """Give back expired leases and those of dead processes here; wake workers if work waits."""
    expired = Prediction.objects.filter(state=PredictionState.RUNNING, lease_until__lt=timezone.now())
    queued, failed = give_back(rows=expired, reason="its lease ran out")
    queued_dead, failed_dead = give_back_dead_claims()
    # Also for running rows: a worker that lost its database while it answered still holds them,
    # and gives them back when it is woken.
    if Prediction.objects.unfinished().exists():
        send_wake_up()
    return queued + queued_dead, failed + failed_dead


def give_back_dead_claims() -> tuple[int, int]:
    """Give back what processes of this machine held that are no longer alive."""
    running = Prediction.objects.filter(state=PredictionState.RUNNING)
    dead = list_dead_holders(running)
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
