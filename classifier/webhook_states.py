"""What a webhook tells of, and the states of telling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices

from classifier.states import transition

if TYPE_CHECKING:
    from django.db.models import QuerySet


class WebhookEventType(TextChoices):
    """What a clinic can choose, and the test that it can ask for."""

    PREDICTION_SUCCEEDED = "prediction.succeeded", "The model judged an image"
    PREDICTION_REFUSED = "prediction.refused", "The model can't judge an image, or it is too close to call"
    PREDICTION_FAILED = "prediction.failed", "An image has no result"
    REVIEW_SIGNED = "review.signed", "A review was signed"
    REVIEW_AMENDED = "review.amended", "A review was amended"
    TEST = "webhook.test", "Test"


CHOSEN_EVENTS = [choice for choice in WebhookEventType.choices if choice[0] != WebhookEventType.TEST]


class DisabledReason(TextChoices):
    BY_PERSON = "by_person", "Switched off by a person"
    FAILING = "failing", "Switched off after days of failure"


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


def move_deliveries(
    rows: QuerySet[Any], *, source: DeliveryState, target: DeliveryState, **values: Any
) -> int:
    """As `transition`, by the table of deliveries."""
    return transition(rows, source=source, target=target, moves=DELIVERY_MOVES, **values)
