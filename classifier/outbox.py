"""Transactional outbox: what happened is written down, in its own transaction, for those who want to know.

Nothing is sent here, and nothing of `classifier.webhooks` is needed to write. An event that nobody
listens for leaves no row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from classifier.claims.wake_ups import DELIVER_WEBHOOKS, wake_on_commit
from classifier.domain.states import PredictionState
from classifier.domain.vocabulary import ModelAnswer, WebhookEventType
from classifier.models import Prediction, WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.standing.hiding import hides_answer_from_anybody

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from classifier.models import Review


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What an event is made of. `data` holds ids and codes only."""

    clinic_id: uuid.UUID
    submission_id: uuid.UUID
    type: WebhookEventType
    data: dict[str, Any]


def announce_predictions(pks: Iterable[uuid.UUID]) -> None:
    """Tell of finished predictions that people see; call it in the transaction that finished them."""
    if not WebhookEndpoint.objects.active().exists():
        return
    rows = Prediction.objects.served().filter(pk__in=list(pks)).select_related("image__submission__clinic")
    _announce(_describe_prediction(row) for row in rows.order_by("pk"))


def announce_review(review: Review) -> None:
    """Tell of a signature; call it in the transaction that signs."""
    data = {"review": str(review.pk)}
    if review.amends_id:
        data["amends"] = str(review.amends_id)
    happening = Happening(
        clinic_id=review.submission.clinic_id,
        submission_id=review.submission_id,
        type=WebhookEventType.REVIEW_AMENDED if review.amends_id else WebhookEventType.REVIEW_SIGNED,
        data=data,
    )
    _announce([happening])


def add_delivery(event: WebhookEvent, endpoint_id: uuid.UUID) -> WebhookDelivery:
    """Put one delivery of `event` into the queue; the caller wakes the sender."""
    now = timezone.now()
    return WebhookDelivery.objects.create(
        event=event, endpoint_id=endpoint_id, created_at=now, next_attempt_at=now
    )


def write_payload(event: WebhookEvent) -> tuple[str, bytes]:
    """The payload: the event's type as it may be told now, and the body in JSON.

    It holds ids and codes only, and where the rest is to be read.
    """
    kind, data = _withhold(event)
    path = reverse("api-submission", args=[event.submission_id]) if event.submission_id else ""
    body = {
        "id": str(event.pk),
        "type": kind,
        "created_at": event.created_at.isoformat(),
        "clinic": str(event.clinic_id),
        "submission": str(event.submission_id) if event.submission_id else None,
        "data": data,
        "url": settings.DERMAPORT_SITE_URL + path if path else None,
    }
    return kind, json.dumps(body, separators=(",", ":")).encode()


def _withhold(event: WebhookEvent) -> tuple[str, dict[str, str]]:
    """Type and data as they may be told now: a clinic may have begun to hide answers meanwhile."""
    is_refusal = event.type == WebhookEventType.PREDICTION_REFUSED
    if not is_refusal or event.submission is None or not hides_answer_from_anybody(event.submission):
        return event.type, event.data
    data = {name: value for name, value in event.data.items() if name != "code"}
    return WebhookEventType.PREDICTION_SUCCEEDED.value, data


def _announce(happenings: Iterable[Happening]) -> None:
    """Write an event for each that somebody listens for, and a delivery for each who does."""
    happened = list(happenings)
    clinics = {one.clinic_id for one in happened}
    listening = list(
        WebhookEndpoint.objects.active().filter(clinic_id__in=clinics).only("clinic_id", "events")
    )
    now = timezone.now()
    events, deliveries = [], []
    for one in happened:
        told = [row for row in listening if row.clinic_id == one.clinic_id and one.type in row.events]
        if not told:
            continue
        event = WebhookEvent(
            clinic_id=one.clinic_id,
            submission_id=one.submission_id,
            type=one.type,
            data=one.data,
            created_at=now,
        )
        events.append(event)
        deliveries += [
            WebhookDelivery(event=event, endpoint=row, created_at=now, next_attempt_at=now) for row in told
        ]
    if events:
        WebhookEvent.objects.bulk_create(events)
        WebhookDelivery.objects.bulk_create(deliveries)
        wake_on_commit(DELIVER_WEBHOOKS)


def _describe_prediction(row: Prediction) -> Happening:
    kind, code = _name_result(row)
    data = {"prediction": str(row.pk), "image": str(row.image_id), "model_version": str(row.model_version_id)}
    if code:
        data["code"] = code
    return Happening(
        clinic_id=row.image.clinic_id, submission_id=row.image.submission_id, type=kind, data=data
    )


def _name_result(row: Prediction) -> tuple[WebhookEventType, str]:
    """The event and its reason.

    Where dermatologists read before they see the answer, a refusal is told as any other answer:
    the payload may be shown to the one who has yet to read.
    """
    if row.state != PredictionState.SUCCEEDED:
        return WebhookEventType.PREDICTION_FAILED, row.error_code
    if row.outcome == ModelAnswer.REFER and not hides_answer_from_anybody(row.image.submission):
        return WebhookEventType.PREDICTION_REFUSED, row.referral_code
    return WebhookEventType.PREDICTION_SUCCEEDED, ""
