"""The Celery application. Its settings are the CELERY_ block of portal.settings.base.

A message is only a wake-up: the database row is the truth. So the worker keeps no results, takes
one message at a time and asks the database for work whenever it (re)connects to the broker.
"""

import os
import warnings
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps, signals
from celery.exceptions import CPendingDeprecationWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.development")
# Celery's own run of the checks ignores what they find; ours stops the worker.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# A task whose connection is lost goes on: its rows are claimed, and its message, delivered once
# more, is only a wake-up. Celery warns of that at each loss.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

WAKE_UPS = (
    "classifier.tasks.run_predictions_task",
    "classifier.tasks.run_explanations_task",
    "classifier.tasks.run_outlines_task",
    "classifier.tasks.deliver_webhooks_task",
)


class WakeUpStep(bootsteps.StartStopStep):
    """Ask for queued work at each (re)connection: what a lost broker forgot is done at once."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        for name in WAKE_UPS:
            parent.app.send_task(name)


app.steps["consumer"].add(WakeUpStep)


@signals.worker_init.connect
def refuse_wrong_configuration(**_: Any) -> None:
    """Stop before taking work; exit code 78 (EX_CONFIG) tells the keeper not to try again."""
    from django.db import connections  # noqa: PLC0415 - needs Django set up

    from portal.operations.health.configuration import stop_on_errors  # noqa: PLC0415

    stop_on_errors()
    # The children are forked after this: a connection that they inherit breaks for both.
    connections.close_all()


@signals.worker_ready.connect
def start_heartbeat(sender: Any, **_: Any) -> None:
    """Say that this worker lives, and that it is ready to the supervisor that waits for it."""
    from portal.operations.health.consumption import CHECK_SECONDS, ConsumptionWatch  # noqa: PLC0415
    from portal.operations.health.heartbeat import HEARTBEAT_SECONDS, record_heartbeat  # noqa: PLC0415

    watch = ConsumptionWatch(tuple(sender.app.amqp.queues.consume_from))
    sender.timer.call_repeatedly(CHECK_SECONDS, watch.check)
    record_heartbeat(sender.hostname)
    sender.timer.call_repeatedly(HEARTBEAT_SECONDS, record_heartbeat, args=(sender.hostname,))
    if mark := os.environ.get("DERMAPORT_READY_FILE"):
        Path(mark).touch()


@signals.worker_process_init.connect
def die_with_parent(**_: Any) -> None:
    """A child must not outlive the worker: two would share one GPU."""
    from portal.operations.stack.keeper import end_with_parent  # noqa: PLC0415

    end_with_parent()


@signals.setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Celery's own set-up would log task arguments; Django's LOGGING has already been applied."""
