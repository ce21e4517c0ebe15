"""Wake-ups: call a worker by the name of its task. A message holds nothing else.

By name, because whoever queues work stands below the tasks that do it. Work is a row in a table, so
a message that is lost, doubled or late changes nothing: the reconciler sends it again.
"""

from __future__ import annotations

import time

import structlog
from celery import current_app
from django.db import transaction

log = structlog.get_logger(__name__)

RUN_PREDICTIONS = "classifier.tasks.run_predictions_task"
RUN_EXPLANATIONS = "classifier.tasks.run_explanations_task"
RUN_OUTLINES = "classifier.tasks.run_outlines_task"
DELIVER_WEBHOOKS = "classifier.tasks.deliver_webhooks_task"
REMOVE_FILES = "classifier.tasks.remove_files_task"
APPLY_RETENTION = "classifier.tasks.apply_retention_task"

TRIES = 2
SLOW_SECONDS = 1.0
PAUSE_SECONDS = 30.0
_unsent_until = 0.0


def wake_on_commit(task: str) -> None:
    """Send one wake-up after commit. A lost broker delays work and never loses it."""
    transaction.on_commit(lambda: send_wake_up(task), robust=True)


def send_wake_up(task: str) -> None:
    """Send one wake-up for the task of this name now; where that fails, say so and leave it to the reconciler.

    Tried twice, because the first use of a connection to a broker that was restarted fails. A
    broker that hangs is let alone for a while: people must not wait for it at every submission.
    """
    global _unsent_until  # noqa: PLW0603 (a plain fact of this process)

    started = time.monotonic()
    if started < _unsent_until:
        return
    reason = ""
    for _ in range(TRIES):
        try:
            current_app.send_task(task, retry=False)
        except Exception as error:  # noqa: BLE001 (unreachable, full, wrong password: the row is safe)
            reason = type(error).__name__
        else:
            return
        if time.monotonic() - started > SLOW_SECONDS:
            _unsent_until = time.monotonic() + PAUSE_SECONDS
            break
    log.warning("wake_up_not_sent", reason=reason)
