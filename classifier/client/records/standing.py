"""What a case, a lesion or a patient is held for, what is ordered, and who reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from classifier.client.records.people import Person


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Histopathology over the signed review over the model; `refer` is too close to call."""

    value: str | None
    basis: str | None
    diagnosis: str | None
    said_by: Person | None
    at: dt.datetime | None
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """Somebody's word that an order was carried out."""

    id: str
    done: str
    done_on: dt.date | None
    note: str = field(repr=False)
    acknowledged_by: Person
    acknowledged_at: dt.datetime
    taken_back_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the signed review asks for; open while there is a `due_at`."""

    management: str
    due_at: dt.datetime | None
    is_overdue: bool
    acknowledgement: Acknowledgement | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingClaim:
    """Who has a case open to read it."""

    reader: Person
    until: dt.datetime
