"""The queue of explanations, by the claim engine, as `services.queue` does for predictions.

One at a time: they are asked for by people, few, and of any model version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from classifier.claims.engine import Claims
from classifier.claims.wake_ups import RUN_EXPLANATIONS
from classifier.models import Explanation
from classifier.services.queue import record_spent

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


class ExplanationClaims(Claims[Explanation]):
    """The claims on explanations."""

    model = Explanation
    name = "explanations"
    task = RUN_EXPLANATIONS

    def describe_return(self, now: dt.datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"started_at": None}

    def describe_failure(self, row: Explanation, reason: str) -> dict[str, Any]:
        return {
            "error_code": "attempts_exhausted",
            "error_message": f"The worker stopped {row.attempt} times while making this map ({reason}).",
        }

    def note_failed(self, rows: Sequence[Explanation]) -> None:
        clinics = Explanation.objects.filter(pk__in=[row.pk for row in rows])
        by_row = dict(clinics.values_list("pk", "prediction__image__clinic_id"))
        record_spent(rows, "explanation.failed", by_row)


explanation_claims = ExplanationClaims()


def claim_explanation(*, worker: str) -> Explanation | None:
    """Take the explanation that waited longest for `worker`; None when nothing is queued."""
    with transaction.atomic():
        free = Explanation.objects.queued().order_by("requested_at", "id")
        pk = free.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if pk is None:
            return None
        taken = explanation_claims.take([pk], worker=worker)
        return taken.select_related("prediction__image", "prediction__model_version").first()
