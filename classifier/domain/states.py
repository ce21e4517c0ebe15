"""State machine: the states of a case, of a prediction and of a worker's row, and the only moves between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet


class SubmissionState(TextChoices):
    """How far a case has come."""

    IN_WORK = "in_work", "In work"
    NO_RESULT = "no_result", "No result"
    AWAITING_REVIEW = "awaiting_review", "Waiting for review"
    REVIEWED = "reviewed", "Reviewed"
    CANCELLED = "cancelled", "Withdrawn"


class Headline(TextChoices):
    """What the model says of a case, in one word. Only the first of each group are judgements."""

    MALIGNANT = "malignant", "Malignant"
    REFER = "refer", "Refer"
    BENIGN = "benign", "Benign"
    NOT_JUDGED = "not_judged", "Not judged"
    INCOMPLETE = "incomplete", "Incomplete"
    REJECTED = "rejected", "Not judged"
    FAILED = "failed", "Failed"
    NOT_ASKED = "not_asked", "Not judged"
    QUEUED = "queued", "In the queue"
    RUNNING = "running", "In work"
    HIDDEN = "hidden", "Read first"
    CANCELLED = "cancelled", "Withdrawn"


class PredictionState(TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Done"
    REJECTED = "rejected", "Can't be judged"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = frozenset({PredictionState.QUEUED, PredictionState.RUNNING})
FINISHED = frozenset(PredictionState) - UNFINISHED
LIVE = UNFINISHED | {PredictionState.SUCCEEDED}
"""States of which one image and model version may have one row only."""

LEGAL_MOVES: dict[PredictionState, frozenset[PredictionState]] = {
    PredictionState.QUEUED: frozenset(
        {PredictionState.RUNNING, PredictionState.CANCELLED, PredictionState.FAILED}
    ),
    PredictionState.RUNNING: frozenset(
        {
            PredictionState.SUCCEEDED,
            PredictionState.REJECTED,
            PredictionState.FAILED,
            PredictionState.CANCELLED,
            PredictionState.QUEUED,
        }
    ),
    PredictionState.SUCCEEDED: frozenset(),
    PredictionState.REJECTED: frozenset(),
    PredictionState.FAILED: frozenset(),
    PredictionState.CANCELLED: frozenset(),
}


class DeliveryState(TextChoices):
    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Given up"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED_DELIVERIES = frozenset({DeliveryState.WAITING, DeliveryState.SENDING})
FINISHED_DELIVERIES = frozenset(DeliveryState) - UNFINISHED_DELIVERIES

DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.SENDING, DeliveryState.CANCELLED}),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.DELIVERED,
            DeliveryState.WAITING,
            DeliveryState.FAILED,
            DeliveryState.CANCELLED,
        }
    ),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.FAILED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
}


class IllegalMoveError(Exception):
    """A move that the table doesn't hold: our bug, never a person's."""


def transition(
    rows: QuerySet[Any],
    *,
    source: TextChoices,
    target: TextChoices,
    moves: Mapping[Any, frozenset[Any]] = LEGAL_MOVES,
    **values: Any,
) -> int:
    """Move `rows` that are still in `source` to `target`; return how many moved.

    One conditional UPDATE: of two that try the same move, one is told 1 and the other 0.
    `rows` narrows further (own attempt, expired lease), by columns of the row itself alone.
    Raises IllegalMoveError for a move that `moves` lacks, TypeError for a joined `rows`.
    """
    if target not in moves[source]:
        raise IllegalMoveError(f"{source} -> {target}")
    # Django would put a join and with it every condition into a sub-select, which PostgreSQL does
    # not check again after it waited for a row: the move would overwrite the one it waited for.
    if sum(bool(count) for count in rows.query.alias_refcount.values()) > 1:
        raise TypeError("expected rows narrowed by columns of their own, received a join")
    return rows.filter(state=source).update(state=target, **values)
