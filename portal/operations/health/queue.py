"""Queue depth: where the predictions stand, all clinics together: nothing of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from classifier.domain.states import PredictionState
from classifier.models import Prediction

OLD_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class QueueState:
    counts: list[tuple[str, int]]
    oldest_queued_at: datetime | None
    failed_today: int

    @property
    def is_late(self) -> bool:
        return self.oldest_queued_at is not None and timezone.now() - self.oldest_queued_at > OLD_AFTER


def read_queue() -> QueueState:
    found = dict(Prediction.objects.order_by().values_list("state").annotate(number=Count("id")))
    oldest = Prediction.objects.queued().order_by("queued_at").values_list("queued_at", flat=True).first()
    failed = Prediction.objects.filter(
        state=PredictionState.FAILED, finished_at__gte=timezone.now() - timedelta(days=1)
    ).count()
    return QueueState(
        counts=[(str(state.label), found.get(state.value, 0)) for state in PredictionState],
        oldest_queued_at=oldest,
        failed_today=failed,
    )
