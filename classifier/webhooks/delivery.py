"""Webhook delivery: claim what is due, send many at once, write down what came of each, and retry.

A delivery is one event to one endpoint, tried until it arrives or its time is over: 15 seconds
after the first try, then twice as long each time up to 2 hours, for about a day. A claim takes a
few deliveries of each endpoint that has room, so that who answers slowly holds up nobody else. What
a killed sender held is claimed again, with the same event id: whether the receiver had it is not known.

Claims are those of the claim engine. Whoever claims or finishes locks the endpoint first.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from classifier.claims.engine import Claims
from classifier.claims.identity import worker_id
from classifier.claims.wake_ups import DELIVER_WEBHOOKS
from classifier.domain.states import DELIVERY_MOVES, DeliveryState
from classifier.domain.vocabulary import WebhookEventType
from classifier.engine.stopping import is_stopping
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.outbox import write_payload
from classifier.webhooks.endpoints import cancel_waiting, note_failure, note_success
from classifier.webhooks.signing import LostSecretError, read_signer
from classifier.webhooks.transport import DeliveryRequest, DeliveryResult, send

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
"""How long a delivery that becomes due while others are under way may go unnoticed."""

FIRST_DELAY = dt.timedelta(seconds=15)
LONGEST_DELAY = dt.timedelta(hours=2)
JITTER = 0.2
PRUNED_AT_ONCE = 1000


# --- claims ---


class DeliveryClaims(Claims[WebhookDelivery]):
    """The claims on deliveries: given up by time, not by number of tries."""

    model = WebhookDelivery
    name = "deliveries"
    task = DELIVER_WEBHOOKS
    waiting = DeliveryState.WAITING
    held = DeliveryState.SENDING
    failed = DeliveryState.FAILED
    moves = DELIVERY_MOVES
    began = "attempted_at"

    def is_spent(self, row: WebhookDelivery) -> bool:
        return row.created_at <= oldest_tried(timezone.now())

    def describe_return(self, now: dt.datetime) -> dict[str, Any]:
        return {"error_code": "interrupted", "next_attempt_at": now}

    def describe_failure(self, row: WebhookDelivery, reason: str) -> dict[str, Any]:  # noqa: ARG002
        return {"error_code": "interrupted"}

    def has_work(self) -> bool:
        return WebhookDelivery.objects.due(timezone.now()).exists()


delivery_claims = DeliveryClaims()


def claim_deliveries(*, worker: str, limit: int) -> list[WebhookDelivery]:
    """Take up to `limit` deliveries that are due, for `worker`; an endpoint with room gives some."""
    now = timezone.now()
    claimed: list[WebhookDelivery] = []
    for endpoint_id in _endpoints_with_room(now, limit):
        claimed += _claim_of(endpoint_id, now=now, worker=worker, limit=limit - len(claimed))
        if len(claimed) >= limit:
            break
    return claimed


def _endpoints_with_room(now: dt.datetime, limit: int) -> list[uuid.UUID]:
    """Active endpoints with a delivery that is due and a free place; who waited longest goes first."""
    counts = WebhookDelivery.objects.sending().order_by().values("endpoint").annotate(under_way=Count("pk"))
    full = counts.filter(under_way__gte=settings.DERMAPORT_WEBHOOK_PER_ENDPOINT).values("endpoint")
    due = WebhookDelivery.objects.due(now).filter(endpoint__in=WebhookEndpoint.objects.active())
    ordered = (
        due.exclude(endpoint__in=full).order_by().values("endpoint").annotate(first=Min("next_attempt_at"))
    )
    return list(ordered.order_by("first").values_list("endpoint", flat=True)[:limit])


def _claim_of(endpoint_id: uuid.UUID, *, now: dt.datetime, worker: str, limit: int) -> list[WebhookDelivery]:
    with transaction.atomic():
        # Two senders that count at once would both find room.
        rows = WebhookEndpoint.objects.active().filter(pk=endpoint_id).order_by("pk")
        free = rows.select_for_update(skip_locked=True, no_key=True)
        if free.values_list("pk", flat=True).first() is None:
            return []
        mine = WebhookDelivery.objects.filter(endpoint_id=endpoint_id)
        room = min(limit, settings.DERMAPORT_WEBHOOK_PER_ENDPOINT - mine.sending().count())
        due = mine.due(now).order_by("next_attempt_at", "id")
        wanted = list(due.values_list("pk", flat=True)[: max(0, room)])
        taken = delivery_claims.take(wanted, worker=worker)
        return list(taken.select_related("endpoint", "event__clinic").order_by("next_attempt_at", "id"))


# --- sending ---


def deliver_due(*, budget_seconds: float) -> int:
    """Send what is due until nothing is or the budget is spent; return how many tries were made.

    Threads send; this one alone speaks with the database. An error gives back what was under way
    and is raised.
    """
    deadline = time.monotonic() + budget_seconds
    under_way: dict[Future[DeliveryResult], WebhookDelivery] = {}
    try:
        with ThreadPoolExecutor(settings.DERMAPORT_WEBHOOK_PARALLEL, "webhook-sender") as pool:
            tries = sum(1 for _ in _send_all(pool, under_way, deadline))
    except BaseException as error:
        own = delivery_claims.select_own(list(under_way.values()))
        delivery_claims.give_back(own, reason=f"{type(error).__name__} stopped it")
        raise
    if time.monotonic() >= deadline and delivery_claims.has_work():
        delivery_claims.wake()
    return tries


def _send_all(
    pool: ThreadPoolExecutor, under_way: dict[Future[DeliveryResult], WebhookDelivery], deadline: float
) -> Iterator[WebhookDelivery]:
    while True:
        room = settings.DERMAPORT_WEBHOOK_PARALLEL - len(under_way)
        if room and time.monotonic() < deadline and not is_stopping():
            for row in claim_deliveries(worker=worker_id(), limit=room):
                under_way[_start(pool, row)] = row
        if not under_way:
            return
        ready, _ = wait(under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in ready:
            row = under_way[future]
            finish_delivery(row=row, result=_read(future, row))
            del under_way[future]
            yield row


def _start(pool: ThreadPoolExecutor, row: WebhookDelivery) -> Future[DeliveryResult]:
    try:
        return pool.submit(send, write_request(row))
    except LostSecretError:
        lost: Future[DeliveryResult] = Future()
        lost.set_result(DeliveryResult("secret_lost"))
        return lost


def write_request(delivery: WebhookDelivery) -> DeliveryRequest:
    """What this delivery sends, and with which secrets it is signed. Raises LostSecretError."""
    event_type, body = write_payload(delivery.event)
    return DeliveryRequest(
        url=delivery.endpoint.url,
        event_id=str(delivery.event_id),
        event_type=event_type,
        body=body,
        signer=read_signer(delivery.endpoint),
    )


def _read(future: Future[DeliveryResult], row: WebhookDelivery) -> DeliveryResult:
    """A bug in one delivery holds up no other: it is told to the operator and costs this one a try."""
    try:
        return future.result()
    except Exception:
        log.exception("delivery_broken", delivery=str(row.pk))
        return DeliveryResult("internal_error")


# --- finishing ---


def finish_delivery(*, row: WebhookDelivery, result: DeliveryResult) -> bool:
    """Write what came of a try: delivered, to be tried again, or given up.

    Returns whether the claim on `row` still stood; else somebody else has it, and nothing is written.
    """
    now = timezone.now()
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=row.endpoint_id)
        target = _choose_target(row, endpoint, result, now)
        values: dict[str, Any] = {
            "status_code": result.status_code,
            "answer": result.answer,
            "error_code": result.error_code,
            "milliseconds": result.milliseconds,
        }
        if target == DeliveryState.WAITING:
            values["next_attempt_at"] = now + choose_delay(row.attempt)
        moved = delivery_claims.finish([row], target=target, **values)
        if not moved:
            log.info("late_delivery_dropped", delivery=str(row.pk))
        elif not result.error_code:
            note_success(endpoint)
        elif row.event.type != WebhookEventType.TEST:
            note_failure(endpoint)
    return bool(moved)


def _choose_target(
    row: WebhookDelivery, endpoint: WebhookEndpoint, result: DeliveryResult, now: dt.datetime
) -> DeliveryState:
    if not result.error_code:
        return DeliveryState.DELIVERED
    if not endpoint.is_active:
        return DeliveryState.CANCELLED
    # Somebody waits for the answer of a test and sends another.
    is_test = row.event.type == WebhookEventType.TEST
    return DeliveryState.FAILED if is_test or row.created_at <= oldest_tried(now) else DeliveryState.WAITING


def choose_delay(attempt: int) -> dt.timedelta:
    """Retry delay: 15 s after the first try, then twice as long each time, up to 2 hours.

    A fifth more or less: the jitter keeps the deliveries of an outage from coming back all in one moment.
    """
    doubled: int = 2 ** min(attempt - 1, 16)
    delay = min(FIRST_DELAY * doubled, LONGEST_DELAY)
    return delay * secrets.SystemRandom().uniform(1 - JITTER, 1 + JITTER)


def oldest_tried(now: dt.datetime) -> dt.datetime:
    """Deliveries made before are given up when they fail."""
    return now - dt.timedelta(hours=settings.DERMAPORT_WEBHOOK_RETRY_HOURS)


# --- reconciling ---


def reconcile_webhooks() -> int:
    """Give back what dead senders held, tidy up, wake the sender if a delivery is due.

    Returns how many were given back.
    """
    _cancel_orphans()
    _prune(timezone.now())
    return sum(delivery_claims.reconcile())


def _cancel_orphans() -> None:
    """Deliveries that were written in the moment in which their endpoint was switched off."""
    waiting = WebhookDelivery.objects.waiting().exclude(endpoint__in=WebhookEndpoint.objects.active())
    for endpoint_id in list(waiting.order_by().values_list("endpoint", flat=True).distinct()):
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
            if not endpoint.is_active:
                cancel_waiting(endpoint_id)


def _prune(now: dt.datetime) -> None:
    """Forget events whose deliveries are all finished, after the time for which the log is kept."""
    before = now - dt.timedelta(days=settings.DERMAPORT_WEBHOOK_KEEP_DAYS)
    unfinished = WebhookDelivery.objects.filter(finished_at__isnull=True)
    recent = WebhookDelivery.objects.filter(finished_at__gte=before)
    old = WebhookEvent.objects.filter(created_at__lt=before)
    old = old.exclude(deliveries__in=unfinished).exclude(deliveries__in=recent)
    keys = list(old.order_by("created_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    if keys:
        WebhookEvent.objects.filter(pk__in=keys).delete()
