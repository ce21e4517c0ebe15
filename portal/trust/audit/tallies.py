"""Event tallies: of what anybody can cause without end the first few are kept each, the rest as one sum."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import structlog
from django.db import Error, connection, transaction
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

# Django's upsert can't add to what stands there. Both databases answer with what they wrote.
COUNT = """
INSERT INTO audit_eventtally (key, clinic_id, actor_id, action, window_start, count) VALUES (%s, %s, %s, %s, %s, 1)
ON CONFLICT (key) DO UPDATE SET count = audit_eventtally.count + 1
RETURNING count
"""


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
    values = {
        "key": f"{clinic_id or 'site'}/{actor.pk if actor else ''}/{action}/{start:%Y%m%dT%H%M}",
        "clinic": clinic_id,
        "actor": actor.pk if actor else None,
        "action": action,
        "window_start": start,
    }
    fields: list[Any] = [EventTally._meta.get_field(name) for name in values]  # noqa: SLF001 (a public name)
    stored = [field.get_db_prep_save(values[field.name], connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, stored)
        return int(cursor.fetchone()[0])


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
