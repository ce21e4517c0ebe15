"""Audit log writer: the only one, and the check of the hash chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from portal.trust.audit.models import GENESIS, AuditChain, AuditEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Iterator, Sequence

    from portal.trust.accounts.models import User

SITE_KEY = "site"
_recordable: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is to be recorded. `details` holds ids, codes and counts only."""

    clinic_id: uuid.UUID | None
    action: str
    actor: User | None = None
    obj: models.Model | None = None
    details: dict[str, Any] | None = None


def register_kinds(kinds: Iterable[str]) -> None:
    """Let events name rows of `kinds`: labels such as "classifier.patient".

    Whoever registers them says with it how people find the event again: see classifier/models/audit_subjects.py.
    """
    _recordable.update(kinds)


def record_event(
    *,
    clinic_id: uuid.UUID | None,
    action: str,
    actor: User | None = None,
    obj: models.Model | None = None,
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event; call it inside the transaction of the act it records.

    Raises TypeError where `obj` is of a kind that nobody registered.
    """
    entry = Entry(clinic_id=clinic_id, action=action, actor=actor, obj=obj, details=details)
    return record_events([entry])[0]


def record_events(entries: Iterable[Entry]) -> list[AuditEvent]:
    """Append events in one transaction, locking each chain once, always in the same order."""
    by_chain: dict[str, list[Entry]] = {}
    for entry in entries:
        by_chain.setdefault(_chain_key(entry.clinic_id), []).append(entry)
    events: list[AuditEvent] = []
    with transaction.atomic():
        for key in sorted(by_chain):
            events.extend(_append(key, by_chain[key]))
    return events


def _chain_key(clinic_id: uuid.UUID | None) -> str:
    return str(clinic_id) if clinic_id else SITE_KEY


def _append(key: str, entries: Sequence[Entry]) -> list[AuditEvent]:
    chain = _lock_chain(key, entries[0].clinic_id)
    now = timezone.now()
    events = []
    for entry in entries:
        chain.last_position += 1
        event = AuditEvent(
            chain=chain,
            position=chain.last_position,
            occurred_at=now,
            actor=entry.actor,
            action=entry.action,
            object_type=_name_kind(entry.obj) if entry.obj else "",
            object_id=str(entry.obj.pk) if entry.obj else "",
            details=entry.details or {},
            previous_hash=chain.last_hash,
        )
        event.hash = event.compute_hash()
        chain.last_hash = event.hash
        events.append(event)
    AuditEvent.objects.bulk_create(events)
    chain.save(update_fields=["last_position", "last_hash"])
    return events


def _name_kind(row: models.Model) -> str:
    kind = row._meta.label_lower  # noqa: SLF001
    if kind not in _recordable:
        raise TypeError(f"expected a row of a registered kind, received {kind}: register it in SUBJECTS")
    return kind


def _lock_chain(key: str, clinic_id: uuid.UUID | None) -> AuditChain:
    chain = AuditChain.objects.select_for_update().filter(key=key).first()
    if chain is None:
        AuditChain.objects.get_or_create(key=key, defaults={"clinic_id": clinic_id})
        chain = AuditChain.objects.select_for_update().get(key=key)
    return chain


@dataclass(frozen=True)
class Break:
    """Where a chain no longer holds, and why."""

    chain: str
    position: int
    reason: str


def verify_chains() -> Iterator[Break]:
    """Walk every chain from its first event; yield each edit, gap, reordering and lost tail."""
    for chain in AuditChain.objects.order_by("key"):
        expected_position, previous = 1, GENESIS
        for event in chain.events.order_by("position").iterator():
            event.chain = chain
            if event.position != expected_position:
                yield Break(chain.key, expected_position, "an event is missing here")
            elif event.previous_hash != previous:
                yield Break(chain.key, event.position, "it does not follow the event before it")
            if event.compute_hash() != event.hash:
                yield Break(chain.key, event.position, "its content was changed")
            expected_position, previous = event.position + 1, event.hash
        if (expected_position - 1, previous) != (chain.last_position, chain.last_hash):
            yield Break(chain.key, expected_position, "the newest events are missing")
