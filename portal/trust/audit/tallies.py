"""Event tallies: of what anybody can cause without end the first few are kept each, the rest as one sum."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import structlog
from django.db import Error, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from portal.trust.audit.models import EventTally
from portal.trust.audit.services import Entry, record_event, record_events

if TYPE_CHECKING:
    import uuid

    from portal.trust.accounts.models import User

log = structlog.get_logger(__name__)

WINDOW = dt.timedelta(minutes=10)
KEPT_EACH = 10
"""Events of one person, action and window that are kept one by one."""


def record_bounded(
    *,
    clinic_id: uuid.UUID | None,
    action: str,
    actor: User | None = None,
    object_id: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Record a refusal or a failure, or only count it when there were many of its kind.

    Never raises: a refusal stands, and a page that failed stays a page that failed, whatever
    becomes of its event.
    """
    try:
        with transaction.atomic():
            if _count(clinic_id=clinic_id, action=action, actor=actor) > KEPT_EACH:
                return
            said = {**(details or {}), **({"object": object_id} if object_id else {})}
            record_event(clinic_id=clinic_id, action=action, actor=actor, details=said)
    except Error as error:
        log.warning("event_not_recorded", action=action, reason=type(error).__name__)


def _count(*, clinic_id: uuid.UUID | None, action: str, actor: User | None) -> int:
    """Count one more in this window and return how many that makes."""
    now = timezone.now()
    start = now - (now - dt.datetime.min.replace(tzinfo=dt.UTC)) % WINDOW
    key = f"{clinic_id or 'site'}/{actor.pk if actor else ''}/{action}/{start:%Y%m%dT%H%M}"
    rows = EventTally.objects.filter(key=key)
    if not rows.update(count=F("count") + 1):
        try:
            with transaction.atomic():
                EventTally.objects.create(
                    key=key, clinic_id=clinic_id, actor=actor, action=action, window_start=start, count=1
                )
        except IntegrityError:
            rows.update(count=F("count") + 1)
    return rows.values_list("count", flat=True).get()


def flush_tallies() -> int:
    """Record what was only counted in windows that are over, one event each; return how many."""
    with transaction.atomic():
        over = EventTally.objects.filter(window_start__lte=timezone.now() - WINDOW)
        rows = list(over.select_related("actor").order_by("pk").select_for_update(of=("self",)))
        events = record_events(
            Entry(
                clinic_id=row.clinic_id,
                action=row.action,
                actor=row.actor,
                details={
                    "more": row.count - KEPT_EACH,
                    "since": row.window_start.isoformat(),
                    "minutes": int(WINDOW.total_seconds() // 60),
                },
            )
            for row in rows
            if row.count > KEPT_EACH
        )
        EventTally.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(events)
