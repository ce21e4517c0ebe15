"""What a worker does when it starts and stops, beside its tasks. Imported by portal.celery."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog
from billiard.process import current_process
from celery import signals
from django.conf import settings
from django.db import DatabaseError, connection

from classifier.engine import serving
from classifier.engine.devices import choose_device
from classifier.engine.explain import explanation_claims
from classifier.engine.model_refusals import note_refused_load
from classifier.engine.outline import outline_claims
from classifier.engine.queue import prediction_claims
from classifier.engine.stopping import ask_to_stop
from classifier.models import ModelVersion

log = structlog.get_logger(__name__)


@signals.worker_process_init.connect
def prepare_process(**_: Any) -> None:
    """Take back what a dead predecessor held; load and warm up the network, after the fork."""
    choose_device(getattr(current_process(), "index", 0))
    try:
        for claims in (prediction_claims, explanation_claims, outline_claims):
            claims.give_back_dead()
            # The message that a dead predecessor worked on may be lost.
            if claims.has_work():
                claims.wake()
        versions = list(ModelVersion.objects.active())
    except DatabaseError as error:
        # The reconciler does it later; the first batch loads the network.
        log.warning("worker_process_not_prepared", reason=type(error).__name__)
        return
    finally:
        connection.close()
    for version in versions:
        preload(version)
    if settings.DERMAPORT_GATES:
        preload_gates()


def preload(version: ModelVersion) -> None:
    """Load and compile, so that the first patient doesn't wait; a broken file is only logged.

    It isn't fatal: the process would be started again for ever, and a version activated later
    may work. Until then its cases stay queued with their attempts, and the log says why.
    """
    try:
        serving.warm_up(version)
    except Exception as error:
        log.exception("model_not_loaded", model_version=str(version.pk))
        with suppress(DatabaseError):  # noted again with the first batch
            note_refused_load(version=version, error=error)


def preload_gates() -> None:
    """As `preload`: without its gates a worker answers nothing, and the log says why."""
    try:
        serving.warm_up_gates()
    except Exception:
        log.exception("gates_not_loaded")


@signals.worker_shutting_down.connect
def end_after_batch(**_: Any) -> None:
    ask_to_stop()
