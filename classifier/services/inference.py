"""Run claimed predictions: decode, one tensor, decide, finish on the own attempt."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from classifier import inference
from classifier.models import Prediction
from classifier.services.queue import claim_batch, give_back, send_wake_up
from classifier.services.worker_identity import worker_id
from classifier.states import PredictionState, transition
from portal.audit.services import Entry, record_events

if TYPE_CHECKING:
    import numpy as np

    from classifier.models import ModelVersion, SubmissionImage

log = structlog.get_logger(__name__)

DECODING_THREADS = 2


@dataclass
class Answer:
    """What became of one claimed row: the target state and the values that go with it."""

    row: Prediction
    state: PredictionState
    values: dict[str, Any] = field(default_factory=dict)


def run_queued(*, budget_seconds: float) -> int:
    """Claim and run batches until nothing is queued or the budget is spent; return rows answered.

    A spent budget sends a new wake-up, so that a long queue never outgrows a task's time limit.
    """
    answered = 0
    deadline = time.monotonic() + budget_seconds
    while batch := claim_batch(worker=worker_id(), limit=settings.DERMAPORT_BATCH_SIZE):
        answered += run_batch(batch)
        if time.monotonic() > deadline:
            send_wake_up()
            break
    return answered


def run_batch(batch: list[Prediction]) -> int:
    """Judge one claimed batch of one model version; return how many answers were taken.

    An unexpected error gives the rows back to the queue (their attempt is spent) and is raised.
    """
    try:
        return finish_batch(judge(batch))
    except BaseException:
        claims = Prediction.objects.filter(pk__in=[row.pk for row in batch], claim=batch[0].claim)
        give_back(rows=claims, reason="an error stopped it")
        raise


def judge(batch: list[Prediction]) -> list[Answer]:
    """Decode every image, judge those that can be in one tensor, and decide each outcome."""
    version = batch[0].model_version
    started = time.perf_counter()
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        decoded = list(pool.map(lambda row: _decode(row.image, version), batch))
    decode_ms = (time.perf_counter() - started) * 1000
    answers = [
        Answer(row, found.state, {"error_code": found.code, "error_message": found.message})
        for row, found in zip(batch, decoded, strict=True)
        if isinstance(found, _Unusable)
    ]
    usable = [
        (row, found) for row, found in zip(batch, decoded, strict=True) if not isinstance(found, _Unusable)
    ]
    if usable:
        result = inference.predict(version, [pixels for _, pixels in usable])
        timings = {
            "decode_ms": round(decode_ms / len(batch), 2),
            "predict_ms": round(result.seconds * 1000 / len(usable), 2),
            "batch_size": len(usable),
        }
        for (row, _), judgement in zip(usable, result.judgements, strict=True):
            values = {
                "probability": judgement.probability,
                "calibrated_probability": judgement.calibrated_probability,
                "outcome": judgement.outcome,
                "threshold_policy": version.policy,
                "device": result.device[:120],
                "timings": timings,
            }
            answers.append(Answer(row, PredictionState.SUCCEEDED, values))
    return answers


def finish_batch(answers: list[Answer]) -> int:
    """Write every answer whose claim still stands, with its audit event, in one transaction."""
    with transaction.atomic():
        now = timezone.now()
        taken = [answer for answer in answers if _finish(answer, now)]
        record_events(
            Entry(
                clinic_id=answer.row.image.clinic_id,
                action=f"prediction.{answer.state.value}",
                obj=answer.row,
                details={
                    "attempt": answer.row.attempt,
                    "model_version": str(answer.row.model_version_id),
                    **({"code": code} if (code := answer.values.get("error_code")) else {}),
                },
            )
            for answer in taken
        )
    if late := len(answers) - len(taken):
        log.info("late_answers_dropped", count=late)
    return len(taken)


def _finish(answer: Answer, now: Any) -> bool:
    row = answer.row
    own = Prediction.objects.filter(pk=row.pk, attempt=row.attempt, claim=row.claim)
    return bool(
        transition(
            own,
            source=PredictionState.RUNNING,
            target=answer.state,
            finished_at=now,
            lease_until=None,
            **answer.values,
        )
    )


@dataclass(frozen=True)
class _Unusable:
    state: PredictionState
    code: str
    message: str


def _decode(image: SubmissionImage, version: ModelVersion) -> np.ndarray[Any, Any] | _Unusable:
    """Pixels for the network, or why there are none. Touches no database: runs in a thread."""
    try:
        with image.original.open("rb") as file:
            data = file.read()
    except FileNotFoundError:
        return _Unusable(
            PredictionState.FAILED,
            "original_missing",
            "The stored original can't be found. Tell your operator.",
        )
    if hashlib.sha256(data).hexdigest() != image.sha256:
        return _Unusable(
            PredictionState.FAILED,
            "original_changed",
            "The stored original is not what was sent. Tell your operator.",
        )
    try:
        return inference.prepare(version, data)
    except inference.UnusableImageError as error:
        return _Unusable(PredictionState.REJECTED, error.code, error.message)
