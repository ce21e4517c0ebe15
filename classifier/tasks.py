"""Celery tasks: wake-ups. A task takes nothing, returns nothing and calls services."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from classifier.cases.overdue_mail import notify_overdue
from classifier.claims.wake_ups import (
    APPLY_RETENTION,
    DELIVER_WEBHOOKS,
    REMOVE_FILES,
    RUN_EXPLANATIONS,
    RUN_OUTLINES,
    RUN_PREDICTIONS,
)
from classifier.engine.explain import explanation_claims, run_queued_explanations
from classifier.engine.outline import outline_claims, queue_idle_outlines, run_queued_outlines
from classifier.engine.queue import prediction_claims
from classifier.engine.run import run_queued
from classifier.file_removals import remove_files
from classifier.intake.idempotency import forget_requests
from classifier.intake.rate_limits import forget_calls
from classifier.privacy.retention import run_automatic_retention
from classifier.webhooks.delivery import deliver_due, reconcile_webhooks
from portal.trust.accounts.sessions.sessions import forget_expired_sessions
from portal.trust.accounts.tokens.use import forget_expired_tokens

RUN_BUDGET_SHARE = 0.25
"""Part of the soft limit after which a task ends and wakes the next."""


@shared_task(name=RUN_PREDICTIONS, ignore_result=True)
def run_predictions_task() -> None:
    run_queued(budget_seconds=settings.DERMAPORT_TASK_SOFT_SECONDS * RUN_BUDGET_SHARE)


@shared_task(name=RUN_EXPLANATIONS, ignore_result=True)
def run_explanations_task() -> None:
    run_queued_explanations(budget_seconds=settings.DERMAPORT_TASK_SOFT_SECONDS * RUN_BUDGET_SHARE)


@shared_task(name=RUN_OUTLINES, ignore_result=True)
def run_outlines_task() -> None:
    run_queued_outlines(budget_seconds=settings.DERMAPORT_TASK_SOFT_SECONDS * RUN_BUDGET_SHARE)


@shared_task(name="classifier.tasks.reconcile_predictions_task", ignore_result=True)
def reconcile_predictions_task() -> None:
    prediction_claims.reconcile()
    explanation_claims.reconcile()
    queue_idle_outlines()
    outline_claims.reconcile()


@shared_task(name=DELIVER_WEBHOOKS, ignore_result=True)
def deliver_webhooks_task() -> None:
    deliver_due(budget_seconds=settings.DERMAPORT_TASK_SOFT_SECONDS * RUN_BUDGET_SHARE)


@shared_task(name="classifier.tasks.reconcile_webhooks_task", ignore_result=True)
def reconcile_webhooks_task() -> None:
    reconcile_webhooks()


@shared_task(name=REMOVE_FILES, ignore_result=True)
def remove_files_task() -> None:
    remove_files()


@shared_task(name=APPLY_RETENTION, ignore_result=True)
def apply_retention_task() -> None:
    run_automatic_retention(budget_seconds=settings.DERMAPORT_TASK_SOFT_SECONDS * RUN_BUDGET_SHARE)


@shared_task(name="classifier.tasks.tell_overdue_task", ignore_result=True)
def notify_overdue_task() -> None:
    notify_overdue()


@shared_task(name="classifier.tasks.forget_expired_tokens_task", ignore_result=True)
def forget_expired_tokens_task() -> None:
    forget_expired_tokens()


@shared_task(name="classifier.tasks.forget_expired_sessions_task", ignore_result=True)
def forget_expired_sessions_task() -> None:
    forget_expired_sessions()


@shared_task(name="classifier.tasks.forget_requests_task", ignore_result=True)
def forget_requests_task() -> None:
    forget_requests()
    forget_calls()
