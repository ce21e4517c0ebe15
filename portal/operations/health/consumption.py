"""Stuck worker: end one that no longer takes messages, so that its keeper starts a new one.

When the broker is away at the moment in which a message is acknowledged or put back, kombu (5.7.0)
keeps counting that message as taken: with a prefetch of one it never takes another, while the
process lives and beats. Seen when a worker's child and the broker were killed within a second.
What the worker held is in the database and comes back.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
import structlog
from celery.worker import state
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5
STRIKES = 4
BROKER_SECONDS = 1.0


def count_waiting(queues: Iterable[str]) -> int:
    """Messages in these queues; 0 when the broker does not answer (then nobody can take any)."""
    try:
        client: Any = redis.Redis.from_url(
            settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1),
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            retry=None,
        )
        try:
            return sum(int(client.llen(name)) for name in queues)
        finally:
            client.close()
    except (redis.RedisError, OSError):
        return 0


@dataclass
class ConsumptionWatch:
    """Idle while messages wait, check after check: stalled."""

    queues: tuple[str, ...]
    strikes: int = 0
    accepted: int = 0

    def check(self) -> None:
        """Called by the worker's own timer; does not return from the last strike."""
        accepted = sum(state.total_count.values())
        is_idle = not state.active_requests and not state.reserved_requests and accepted == self.accepted
        self.accepted = accepted
        self.strikes = self.strikes + 1 if is_idle and count_waiting(self.queues) else 0
        if self.strikes >= STRIKES:
            log.critical("worker_stalled", seconds=CHECK_SECONDS * STRIKES)
            os.kill(os.getpid(), signal.SIGKILL)
