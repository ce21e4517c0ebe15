"""The queue of explanations: claim, give back, reconcile, as `services.queue` does for predictions.

One at a time: they are asked for by people, few, and of any model version.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from classifier.claims.identity import list_dead_holders
from classifier.models import Explanation
from classifier.services.queue import send_message
from classifier.states import PredictionState, transition
from portal.audit.services import Entry, record_events

if TYPE_CHECKING:
    from classifier.models.explanation import ExplanationQuerySet

log = structlog.get_logger(__name__)


def send_explanation_wake_up() -> None:
    """Wake a worker for the explanations; where that fails, leave it to the reconciler."""
    from classifier.tasks import run_explanations_task  # noqa: PLC0415 (tasks call services)

    send_message(run_explanations_task)


def claim_explanation(*, worker: str) -> Explanation | None:
    """Take the explanation that waited longest for `worker`; None when nothing is queued."""
    now = timezone.now()
    claim = uuid.uuid4()
    with transaction.atomic():
        free = Explanation.objects.queued().order_by("requested_at", "id")
        pk = free.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if pk is None:
            return None
        transition(
            Explanation.objects.filter(pk=pk),
            source=PredictionState.QUEUED,
            target=PredictionState.RUNNING,
            attempt=F("attempt") + 1,
            claim=claim,
            worker=worker,
            started_at=now,
            lease_until=now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS),
        )
        claimed = Explanation.objects.filter(pk=pk, claim=claim)
        return claimed.select_related("prediction__image", "prediction__model_version").first()


def give_back_explanations(
    *, rows: ExplanationQuerySet, reason: str, is_tried: bool = True
) -> tuple[int, int]:
    """Return running `rows` to the queue, or fail those out of tries; (queued, failed).

    `rows` must be narrowed to claims that are truly over, by conditions on the row itself.
    `is_tried=False` takes the attempt back: what went wrong was not the image.
    """
    with transaction.atomic():
        running = rows.filter(state=PredictionState.RUNNING).order_by("pk").select_for_update()
        locked = {row.pk: row for row in running}
        most = settings.DERMAPORT_MAX_ATTEMPTS
        spent = [row for row in locked.values() if is_tried and row.attempt >= most]
        queued = transition(
            Explanation.objects.filter(pk__in=locked.keys() - {row.pk for row in spent}),
            source=PredictionState.RUNNING,
            target=PredictionState.QUEUED,
            claim=None,
            worker="",
            lease_until=None,
            started_at=None,
            attempt=F("attempt") - int(not is_tried),
        )
        failed = transition(
            Explanation.objects.filter(pk__in=[row.pk for row in spent]),
            source=PredictionState.RUNNING,
            target=PredictionState.FAILED,
            finished_at=timezone.now(),
            lease_until=None,
            error_code="attempts_exhausted",
            error_message=f"The worker stopped {most} times while making this map ({reason}).",
        )
        _record_failures(spent)
    if locked:
        log.warning("explanations_given_back", reason=reason, queued=queued, failed=failed)
    return queued, failed


def _record_failures(rows: list[Explanation]) -> None:
    clinics = dict(
        Explanation.objects.filter(pk__in=[row.pk for row in rows]).values_list(
            "pk", "prediction__image__clinic_id"
        )
    )
    record_events(
        Entry(
            clinic_id=clinics[row.pk],
            action="explanation.failed",
            obj=row,
            details={"code": "attempts_exhausted", "attempts": row.attempt},
        )
        for row in rows
    )


def reconcile_explanations() -> tuple[int, int]:
    """Give back expired leases and those of dead processes here; wake workers if work waits."""
    expired = Explanation.objects.running().filter(lease_until__lt=timezone.now())
    queued, failed = give_back_explanations(rows=expired, reason="its lease ran out")
    queued_dead, failed_dead = give_back_dead_explanations()
    if Explanation.objects.unfinished().exists():
        send_explanation_wake_up()
    return queued + queued_dead, failed + failed_dead


def give_back_dead_explanations() -> tuple[int, int]:
    """Give back what processes of this machine held that are no longer alive."""
    running = Explanation.objects.running()
    dead = list_dead_holders(running)
    if not dead:
        return 0, 0
    return give_back_explanations(rows=running.filter(worker__in=dead), reason="its worker died")
