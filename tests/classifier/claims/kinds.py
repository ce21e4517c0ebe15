"""The four kinds of work that are claimed, each by its own door to the one engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from classifier.claims.engine import Claims
from classifier.domain.states import PredictionState
from classifier.engine.explain import ExplanationResult, claim_explanation, explanation_claims, finish
from classifier.engine.outline import OutlineResult, claim_outline, outline_claims
from classifier.engine.outline import finish as finish_outline
from classifier.engine.queue import claim_batch, prediction_claims
from classifier.engine.run import Answer, finish_batch
from classifier.webhooks.delivery import claim_deliveries, delivery_claims, finish_delivery
from classifier.webhooks.transport import DeliveryResult
from tests.factories import ExplanationFactory, OutlineFactory, PredictionFactory
from tests.support.webhooks import WebhookDeliveryFactory

REASON = {"error_code": "invented", "error_message": "Invented."}


@dataclass(frozen=True)
class Kind:
    claims: Claims[Any]
    make: Callable[..., Any]
    """A row that waits, with these values."""
    take: Callable[[str], Any]
    """Claim one for this worker, or None."""
    answer: Callable[[Any], int]
    """Finish a claimed row; 1 where its claim still stood."""
    last_try: dict[str, Any]
    """Values of a row that has no try after the present one."""
    answered: str


KINDS = {
    "prediction": Kind(
        prediction_claims,
        PredictionFactory,
        lambda worker: next(iter(claim_batch(worker=worker, limit=1)), None),
        lambda row: finish_batch([Answer(row, PredictionState.REJECTED, REASON)]),
        {"attempt": 2},
        "rejected",
    ),
    "explanation": Kind(
        explanation_claims,
        ExplanationFactory,
        lambda worker: claim_explanation(worker=worker),
        lambda row: finish(row, ExplanationResult(PredictionState.FAILED, REASON)),
        {"attempt": 2},
        "failed",
    ),
    "outline": Kind(
        outline_claims,
        OutlineFactory,
        lambda worker: claim_outline(worker=worker),
        lambda row: finish_outline(row, OutlineResult(PredictionState.FAILED, REASON)),
        {"attempt": 2},
        "failed",
    ),
    "delivery": Kind(
        delivery_claims,
        WebhookDeliveryFactory,
        lambda worker: next(iter(claim_deliveries(worker=worker, limit=1)), None),
        lambda row: int(finish_delivery(row=row, result=DeliveryResult("", 200))),
        {"created_at": timezone.now() - dt.timedelta(days=2)},
        "delivered",
    ),
}
