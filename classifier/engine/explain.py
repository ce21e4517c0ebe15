"""Heat maps: take queued explanations, decode, explain, store the overlay, finish on the own claim."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.core.files.base import ContentFile
from django.db import transaction

from classifier.claims.engine import Claims, OutageError
from classifier.claims.identity import worker_id
from classifier.claims.wake_ups import RUN_EXPLANATIONS
from classifier.domain.states import PredictionState
from classifier.engine import serving
from classifier.engine.decode import Unusable, start_decoding
from classifier.engine.model_refusals import note_refused_load
from classifier.engine.queue import record_spent
from classifier.engine.stopping import is_stopping
from classifier.file_removals import overlay_name
from classifier.models import Explanation, Prediction
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from classifier.engine.serving import ExplainedImage


# --- Queue --------------------------------------------------------------------------------------
# One at a time: explanations are asked for by people, few, and of any model version.


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


log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExplanationResult:
    """What became of one claimed explanation: the state, and the values that go with it."""

    state: PredictionState
    values: dict[str, Any] = field(default_factory=dict)


def run_queued_explanations(*, budget_seconds: float) -> int:
    """Claim and compute until nothing is queued or the budget is spent; return how many were finished.

    Predictions go first: while some are queued, one explanation is computed and the rest wait for
    the next wake-up. An error gives back what this process holds and is raised: an outage of the
    store leaves the row its attempt, anything else costs it.
    """
    deadline = time.monotonic() + budget_seconds
    count = 0
    with explanation_claims.hold():
        while explanation := claim_explanation(worker=worker_id()):
            count += finish(explanation, explain(explanation))
            if time.monotonic() > deadline or is_stopping() or Prediction.objects.queued().exists():
                break
    if Explanation.objects.queued().exists():
        explanation_claims.wake()
    return count


def explain(explanation: Explanation) -> ExplanationResult:
    """Compute one claimed explanation and store its overlay. Raises OutageError."""
    prediction = explanation.prediction
    image, version = prediction.image, prediction.model_version
    found = start_decoding([prediction])[0].result().found
    if isinstance(found, Unusable):
        return _fail(found.code, found.message)
    try:
        serving.load_predictor(version)
    except Exception as error:
        # Not raised: a version no longer in use may be gone for good, and somebody waits.
        note_refused_load(version=version, error=error)
        log.exception("model_not_loaded", model_version=str(version.pk))
        return _fail(
            "model_unavailable",
            f"The model of this figure, {version}, can't be loaded. Tell your operator.",
        )
    try:
        explained = serving.explain(version, found.pixels, (image.width, image.height))
    except serving.ExplanationError:
        return _fail(
            "no_feature_map", "This kind of model keeps no map of the picture, so none can be shown."
        )
    return ExplanationResult(
        PredictionState.SUCCEEDED,
        {"overlay": _store(explanation, explained), "figures": explained.figures},
    )


def _fail(code: str, message: str) -> ExplanationResult:
    return ExplanationResult(PredictionState.FAILED, {"error_code": code, "error_message": message[:300]})


def _store(explanation: Explanation, explained: ExplainedImage) -> str:
    """Write the overlay and return its name."""
    name = overlay_name(explanation, explanation.attempt)
    try:
        return str(explanation.overlay.storage.save(name, ContentFile(explained.overlay)))
    except Exception as error:
        # Every kind of storage has errors of its own; all mean that it can't be written.
        raise OutageError("the image store can't be written") from error


def finish(explanation: Explanation, finding: ExplanationResult) -> int:
    """Write what was found if the claim still stands, with its audit event; 1, or 0 when too late."""
    with transaction.atomic():
        moved = explanation_claims.finish([explanation], target=finding.state, **finding.values)
        if moved:
            code = finding.values.get("error_code")
            record_event(
                clinic_id=explanation.prediction.image.clinic_id,
                action=f"explanation.{finding.state.value}",
                obj=explanation,
                details={"attempt": explanation.attempt, **({"code": code} if code else {})},
            )
    if not moved:
        log.info("late_explanation_dropped")
        if name := finding.values.get("overlay"):
            explanation.overlay.storage.delete(name)
    return moved
