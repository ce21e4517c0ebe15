"""Lesion outlines: take queued ones, decode, outline, measure, finish on the own claim.

The last of a worker's work: whatever else is queued goes first. Never part of the verdict: nothing here reads or
writes a prediction, and no standing changes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from classifier.claims.engine import Claims
from classifier.claims.identity import worker_id
from classifier.claims.wake_ups import RUN_OUTLINES
from classifier.domain.states import PredictionState, SubmissionState
from classifier.engine import serving
from classifier.engine.decode import Unusable, read_original
from classifier.engine.queue import record_spent
from classifier.engine.stopping import is_stopping
from classifier.models import Explanation, Outline, OutlineNetwork, Prediction, SubmissionImage
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

IDLE_AT_ONCE = 8
"""Images that an idle worker is given at each look of the reconciler: a person's image never waits for more."""


class OutlineClaims(Claims[Outline]):
    """The claims on outlines."""

    model = Outline
    name = "outlines"
    task = RUN_OUTLINES

    def describe_return(self, now: dt.datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"started_at": None}

    def describe_failure(self, row: Outline, reason: str) -> dict[str, Any]:
        return {
            "error_code": "attempts_exhausted",
            "error_message": f"The worker stopped {row.attempt} times while outlining this image ({reason}).",
        }

    def note_failed(self, rows: Sequence[Outline]) -> None:
        found = Outline.objects.filter(pk__in=[row.pk for row in rows])
        record_spent(rows, "outline.failed", dict(found.values_list("pk", "image__clinic_id")))


outline_claims = OutlineClaims()


def queue_outlines(
    images: Sequence[SubmissionImage], network: OutlineNetwork, *, actor: Any = None
) -> list[Outline]:
    """Queue `images` for `network`, in the caller's transaction, and wake a worker."""
    now = timezone.now()
    rows = Outline.objects.bulk_create(
        Outline(image=image, network=network, requested_by=actor, requested_at=now) for image in images
    )
    if rows:
        outline_claims.wake_on_commit()
    return rows


def queue_idle_outlines() -> int:
    """Queue the newest pictures that somebody is still to read, where no worker has anything to do; return how many.

    Only of patients whose consent lets models judge, and none that any network has outlined or failed to.
    """
    network = OutlineNetwork.objects.active().first()
    if network is None or any(
        rows.exists()
        for rows in (
            Prediction.objects.unfinished(),
            Explanation.objects.unfinished(),
            Outline.objects.unfinished(),
        )
    ):
        return 0
    patient = "submission__lesion__patient__"
    agreed = Q(**{f"{patient}consents_to_inference": True})
    not_asked = Q(**{f"{patient}consents_to_inference": None}) & ~Q(
        **{f"{patient}clinic__consent_recorded_in": ""}
    )
    waiting = SubmissionImage.objects.for_the_model().filter(
        agreed | not_asked,
        submission__state=SubmissionState.AWAITING_REVIEW,
        **{f"{patient}erased_at": None},
    )
    free = waiting.filter(gate_refusals=[]).exclude(Exists(Outline.objects.filter(image=OuterRef("pk"))))
    with transaction.atomic():
        found = list(free.order_by("-submission__submitted_at", "position")[:IDLE_AT_ONCE])
        return len(queue_outlines(found, network))


def claim_outline(*, worker: str, only_asked: bool = False) -> Outline | None:
    """Take one outline for `worker`: what a person asked for first, then what waited longest; None without any.

    `only_asked` leaves what was queued for idle time.
    """
    with transaction.atomic():
        free = Outline.objects.queued().order_by("requested_at", "id")
        locked = free.select_for_update(skip_locked=True).values_list("pk", flat=True)
        pk = locked.filter(requested_by__isnull=False).first()
        if pk is None and not only_asked:
            pk = locked.first()
        if pk is None:
            return None
        taken = outline_claims.take([pk], worker=worker)
        return taken.select_related("image__submission__lesion__patient", "network").first()


@dataclass(frozen=True)
class OutlineResult:
    """What became of one claimed outline: the state, and the values that go with it."""

    state: PredictionState
    values: dict[str, Any] = field(default_factory=dict)


def run_queued_outlines(*, budget_seconds: float) -> int:
    """Claim and outline until nothing is queued or the budget is spent; return how many were finished.

    Predictions and explanations go first: while some are queued, one that a person asked for is made and the rest
    wait. An error gives back what this process holds and is raised: an outage of the store leaves the row its
    attempt, anything else costs it.
    """
    deadline = time.monotonic() + budget_seconds
    count = 0
    with outline_claims.hold():
        while not (others := _others_wait()) or not count:
            outline = claim_outline(worker=worker_id(), only_asked=others)
            if outline is None:
                break
            count += finish(outline, make_outline(outline))
            if time.monotonic() > deadline or is_stopping():
                break
    # With nothing done the next look is the reconciler's: a wake-up would come back at once.
    if (count or not others) and Outline.objects.queued().exists():
        outline_claims.wake()
    return count


def _others_wait() -> bool:
    return Prediction.objects.queued().exists() or Explanation.objects.queued().exists()


def make_outline(outline: Outline) -> OutlineResult:
    """Compute one claimed outline. Raises OutageError when the store of originals is away."""
    data = read_original(outline.image)
    if isinstance(data, Unusable):
        return _fail(data.code, data.message)
    try:
        serving.load_outliner(outline.network)
    except Exception as error:
        # Not raised: the network may be gone for good, and somebody waits.
        log.exception("outliner_not_loaded", network=str(outline.network_id))
        code = error.code if isinstance(error, serving.RefusedNetworkError) else "model_unavailable"
        record_event(
            clinic_id=None,
            action="outline_network.refused",
            obj=outline.network,
            details={"code": code, "sha256": outline.network.sha256},
        )
        return _fail(
            "model_unavailable",
            f"The network that outlines, {outline.network}, can't be loaded. Tell your operator.",
        )
    try:
        found = serving.outline(outline.network, data)
    except serving.UnusableImageError as error:
        return _fail(error.code, error.message)
    except serving.NoLesionError as error:
        return _fail("no_lesion_found", str(error))
    return OutlineResult(
        PredictionState.SUCCEEDED,
        {
            "points": found.list_points(),
            "measures": found.measures.to_dict(),
            "milliseconds": round(found.seconds * 1000, 1),
        },
    )


def _fail(code: str, message: str) -> OutlineResult:
    return OutlineResult(PredictionState.FAILED, {"error_code": code, "error_message": message[:300]})


def finish(outline: Outline, finding: OutlineResult) -> int:
    """Write what was found if the claim still stands, with its audit event; 1, or 0 when too late."""
    with transaction.atomic():
        moved = outline_claims.finish([outline], target=finding.state, **finding.values)
        if moved:
            code = finding.values.get("error_code")
            record_event(
                clinic_id=outline.image.clinic_id,
                action=f"outline.{finding.state.value}",
                obj=outline,
                details={"attempt": outline.attempt, **({"code": code} if code else {})},
            )
    if not moved:
        log.info("late_outline_dropped")
    return moved
