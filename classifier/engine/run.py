"""Inference: run claimed predictions: decode, gate, one tensor, decide, finish on the own claim."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Value, When

from classifier.claims.engine import OutageError
from classifier.claims.identity import worker_id
from classifier.domain.diagnoses import write_diagnoses
from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import UNLIKE_TRAINING, ModelAnswer
from classifier.engine import serving
from classifier.engine.decode import Decoded, Unusable, start_decoding
from classifier.engine.gate import gate, store_verdicts
from classifier.engine.model_refusals import note_refused_load
from classifier.engine.queue import claim_batch, prediction_claims, refresh_standing_of
from classifier.engine.stopping import is_stopping
from classifier.models import Prediction
from classifier.outbox import announce_predictions
from classifier.standing.locks import lock_patients
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    import numpy as np
    from django.db import models

    from classifier.models import ModelVersion

log = structlog.get_logger(__name__)


@dataclass
class Answer:
    """What became of one claimed row: the target state, the values that go with it, and what the
    gates found of its image where nobody asked them before.
    """

    row: Prediction
    state: PredictionState
    values: dict[str, Any] = field(default_factory=dict)
    verdict: serving.GateVerdict | None = None

    @property
    def shape(self) -> tuple[str, ...]:
        """Rows of one state with the same columns are written by one UPDATE."""
        return (self.state, *self.values)


@dataclass(frozen=True)
class Work:
    """A claimed batch of one model version whose originals are being decoded."""

    rows: list[Prediction]
    decoded: list[Future[Decoded]]

    @property
    def is_suspect(self) -> bool:
        """A row taken alone, because a try of it has failed before."""
        return self.rows[0].attempt > 1


def run_queued(*, budget_seconds: float) -> int:
    """Claim and run batches until nothing is queued or the budget is spent; return rows answered.

    An error gives back everything this process holds and is raised: an outage leaves the rows
    their attempt, anything else costs it.
    """
    with prediction_claims.hold():
        return sum(_finish_all(time.monotonic() + budget_seconds))


def _finish_all(deadline: float) -> Iterator[int]:
    """Judge batch after batch; the next one's originals are decoded while the network runs."""

    def may_go_on() -> bool:
        return time.monotonic() < deadline and not is_stopping()

    work = _claim()
    if work and Prediction.objects.queued().exists():
        # More than one batch waits: let another worker help, or this one go on after its budget.
        prediction_claims.wake()
    while work:
        ahead = _claim(only_fresh=True) if may_go_on() and not work.is_suspect else None
        yield finish_batch(judge(work))
        # The batch ahead waited while this one was judged: its lease begins now, if it is still ours.
        if ahead and not prediction_claims.renew(ahead.rows):
            ahead = None
        work = ahead or (_claim() if may_go_on() else None)


def _claim(*, only_fresh: bool = False) -> Work | None:
    rows = claim_batch(worker=worker_id(), limit=settings.DERMAPORT_BATCH_SIZE, only_fresh=only_fresh)
    return Work(rows, start_decoding(rows)) if rows else None


def judge(work: Work) -> list[Answer]:
    """Judge in one tensor every image that could be decoded and passes the gates; decide each outcome."""
    version = work.rows[0].model_version
    decoded = [future.result() for future in work.decoded]
    answers, readable = [], []
    for row, result in zip(work.rows, decoded, strict=True):
        if isinstance(result.found, Unusable):
            reason = {"error_code": result.found.code, "error_message": result.found.message}
            answers.append(Answer(row, result.found.state, reason))
        else:
            readable.append((row, result.found))
    gating = gate([(row.image_id, found.look) for row, found in readable])
    timings = {
        "decode_ms": round(sum(one.seconds for one in decoded) * 1000 / len(decoded), 2),
        "gate_ms": round(gating.milliseconds, 2),
    }
    usable = []
    for row, found in readable:
        verdict = gating.find(row.image_id)
        if verdict is None or not verdict.refusals:
            usable.append((row, found.pixels))
            continue
        # The network never sees it: no figure that could be taken for a judgement.
        values = {
            "outcome": ModelAnswer.REFER,
            "refusal_code": verdict.refusals[0]["code"],
            "timings": timings,
        }
        answers.append(Answer(row, PredictionState.SUCCEEDED, values))
    if usable:
        answers += _judge_usable(version, usable, timings)
    for answer in answers:
        answer.verdict = gating.new.get(answer.row.image_id)
    return answers


def _judge_usable(
    version: ModelVersion, usable: list[tuple[Prediction, np.ndarray[Any, Any]]], timings: dict[str, float]
) -> list[Answer]:
    try:
        serving.load_predictor(version)
    except Exception as error:
        note_refused_load(version=version, error=error)
        raise OutageError("the model can't be loaded") from error
    batch = serving.predict(version, [pixels for _, pixels in usable])
    shared = {
        "threshold_policy": version.policy,
        "device": batch.device[:120],
        "timings": {
            **timings,
            "predict_ms": round(batch.seconds * 1000 / len(usable), 2),
            "batch_size": len(usable),
        },
    }
    return [
        Answer(
            row,
            PredictionState.SUCCEEDED,
            {
                **shared,
                "probability": judgement.probability,
                "calibrated_probability": judgement.calibrated_probability,
                "outcome": judgement.outcome,
                # A picture far from what the network learned from has no ground for a diagnosis either.
                **(
                    {"diagnoses": write_diagnoses(judgement.diagnoses.to_dict())}
                    if judgement.diagnoses and not judgement.is_far
                    else {}
                ),
                "distance": judgement.distance,
                "is_far": judgement.is_far,
                **weigh(version, judgement, prevalence=row.image.clinic.prevalence),
            },
        )
        for (row, _), judgement in zip(usable, batch.judgements, strict=True)
    ]


def weigh(
    version: ModelVersion, judgement: serving.Judgement, *, prevalence: float
) -> dict[str, float | None]:
    """The columns of what a figure is worth in a clinic where `prevalence` of lesions are malignant.

    A picture that is far from what the network learned from has a probability, and no ground for it.
    """
    worth = None if judgement.is_far else serving.measure_worth(version, judgement.probability, prevalence)
    return {
        "prevalence": prevalence,
        "predictive_value": worth.value if worth else None,
        "predictive_low": worth.low if worth else None,
        "predictive_high": worth.high if worth else None,
    }


def finish_batch(answers: list[Answer]) -> int:
    """Write every answer whose claim still stands, with its audit event, in one transaction."""
    if not answers:
        return 0
    with transaction.atomic():
        lock_patients(images=[answer.row.image_id for answer in answers if not answer.row.is_shadow])
        held = prediction_claims.lock(prediction_claims.select_own([answer.row for answer in answers]))
        taken = [answer for answer in answers if answer.row.pk in held]
        taken = _keep_verdicts(taken)
        by_shape: dict[tuple[str, ...], list[Answer]] = {}
        for answer in taken:
            # A reason is each row's own; answers differ in figures only.
            shape = answer.shape if answer.state == PredictionState.SUCCEEDED else (str(answer.row.pk),)
            by_shape.setdefault(shape, []).append(answer)
        for alike in by_shape.values():
            _write(alike)
        announce_predictions(answer.row.pk for answer in taken)
        refresh_standing_of(answer.row for answer in taken)
        record_events(_entry(answer) for answer in taken)
    if late := len(answers) - len(taken):
        log.info("late_answers_dropped", count=late)
    return len(taken)


def _keep_verdicts(taken: list[Answer]) -> list[Answer]:
    """Store what the gates found; give back rows whose image other gates judged otherwise meanwhile."""
    found = {a.row.image_id: a.verdict for a in taken if a.verdict}
    overtaken = store_verdicts(found) if found else set()
    if overtaken:
        rows = Prediction.objects.filter(pk__in=[a.row.pk for a in taken if a.row.image_id in overtaken])
        prediction_claims.give_back(rows, reason="other gates were faster", is_tried=False)
    return [a for a in taken if a.row.image_id not in overtaken]


def _write(answers: list[Answer]) -> None:
    """Move `answers` of one shape by one UPDATE; the caller holds their locks."""
    first = answers[0]
    values: dict[str, Any] = {}
    for name, value in first.values.items():
        differs = any(answer.values[name] != value for answer in answers)
        values[name] = _by_row(answers, name) if differs else value
    prediction_claims.finish([answer.row for answer in answers], target=first.state, **values)


def _by_row(answers: list[Answer], name: str) -> Case:
    output = cast("models.Field[Any, Any]", Prediction._meta.get_field(name))  # noqa: SLF001
    whens = [When(pk=a.row.pk, then=Value(a.values[name], output_field=output)) for a in answers]
    return Case(*whens, default=F(name), output_field=output)


def _entry(answer: Answer) -> Entry:
    refused = answer.values.get("refusal_code")
    far = UNLIKE_TRAINING if answer.values.get("is_far") else ""
    code = answer.values.get("error_code") or refused or far
    return Entry(
        clinic_id=answer.row.image.clinic_id,
        action="prediction.refused" if refused else f"prediction.{answer.state.value}",
        obj=answer.row,
        details={
            "attempt": answer.row.attempt,
            "model_version": str(answer.row.model_version_id),
            **({"code": code} if code else {}),
        },
    )
