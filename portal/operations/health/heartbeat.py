"""Heartbeat: workers write that they live; the status page and the supervisor read it."""

from __future__ import annotations

import os
from datetime import timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.operations.health.models import WorkerHeartbeat

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10
SEEN_SECONDS = 3 * HEARTBEAT_SECONDS
FORGET_AFTER = timedelta(days=1)

STARTED_AT = timezone.now()


def record_heartbeat(name: str) -> None:
    """Say that worker `name` lives. A database that is away for a moment must not end it."""
    now = timezone.now()
    try:
        with transaction.atomic():
            WorkerHeartbeat.objects.update_or_create(
                name=name, defaults={"started_at": STARTED_AT, "seen_at": now, "pid": os.getpid()}
            )
            WorkerHeartbeat.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    except DatabaseError as error:
        log.warning("heartbeat_not_written", worker=name, reason=type(error).__name__)
    finally:
        if not connection.in_atomic_block:
            # The worker's main process forks children: none may inherit an open connection.
            connection.close()


SENDERS = r"^(sender|courier)@"
"""The name of a worker that sends webhooks and judges nothing; the latter where an older unit starts it."""


def workers_seen() -> list[WorkerHeartbeat]:
    """Return the workers of predictions that wrote within the last `SEEN_SECONDS`, newest first."""
    since = timezone.now() - timedelta(seconds=SEEN_SECONDS)
    return list(WorkerHeartbeat.objects.filter(seen_at__gte=since).exclude(name__regex=SENDERS))
