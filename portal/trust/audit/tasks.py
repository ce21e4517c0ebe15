"""Anchor the chains, and record what was only counted. A task takes nothing and calls services."""

from __future__ import annotations

from celery import shared_task

from portal.trust.audit.anchors import anchor_chains
from portal.trust.audit.tallies import flush_tallies


@shared_task(name="portal.audit.tasks.anchor_audit_task", ignore_result=True)
def anchor_audit_task() -> None:
    flush_tallies()
    anchor_chains()
