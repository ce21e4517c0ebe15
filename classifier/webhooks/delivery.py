"""Carry the letters: claim, send many at once, write down what came of each."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.utils import timezone

from classifier.claims.identity import worker_id
from classifier.claims.wake_ups import DELIVER_WEBHOOKS, send_wake_up
from classifier.models import WebhookDelivery
from classifier.stopping import is_stopping
from classifier.webhooks.claims import claim_deliveries
from classifier.webhooks.finishing import finish_delivery
from classifier.webhooks.letters import write_letter
from classifier.webhooks.signing import LostSecretError
from classifier.webhooks.transport import Result, send

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
"""How long a letter that becomes due while others are under way may go unnoticed."""


def deliver_due(*, budget_seconds: float) -> int:
    """Send what is due until nothing is or the budget is spent; return how many tries were made.

    Threads send; this one alone speaks with the database.
    """
    deadline = time.monotonic() + budget_seconds
    with ThreadPoolExecutor(settings.DERMAPORT_WEBHOOK_PARALLEL, "courier") as pool:
        tries = sum(1 for _ in _carry_all(pool, deadline))
    if time.monotonic() >= deadline and WebhookDelivery.objects.due(timezone.now()).exists():
        send_wake_up(DELIVER_WEBHOOKS)
    return tries


def _carry_all(pool: ThreadPoolExecutor, deadline: float) -> Iterator[WebhookDelivery]:
    under_way: dict[Future[Result], WebhookDelivery] = {}
    while True:
        room = settings.DERMAPORT_WEBHOOK_PARALLEL - len(under_way)
        if room and time.monotonic() < deadline and not is_stopping():
            for row in claim_deliveries(worker=worker_id(), limit=room):
                under_way[_start(pool, row)] = row
        if not under_way:
            return
        ready, _ = wait(under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in ready:
            row = under_way.pop(future)
            finish_delivery(row=row, result=_read(future, row))
            yield row


def _start(pool: ThreadPoolExecutor, row: WebhookDelivery) -> Future[Result]:
    try:
        return pool.submit(send, write_letter(row))
    except LostSecretError:
        lost: Future[Result] = Future()
        lost.set_result(Result("secret_lost"))
        return lost


def _read(future: Future[Result], row: WebhookDelivery) -> Result:
    """A bug in one letter holds up no other: it is told to the operator and costs this one a try."""
    try:
        return future.result()
    except Exception:
        log.exception("delivery_broken", delivery=str(row.pk))
        return Result("internal_error")
