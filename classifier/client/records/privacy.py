"""What a patient agreed to, and that a patient was erased."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from classifier.client.reading import HEADER
from classifier.client.records.people import Person


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    purpose: str
    is_given: bool
    origin: str
    recorded_at: dt.datetime
    recorded_by: Person


@dataclass(frozen=True, kw_only=True, slots=True)
class Consents:
    """What holds now, each purpose by itself, and how it came to that."""

    patient: str
    inference: bool | None
    teaching: bool | None
    training: bool | None
    history: tuple[Consent, ...]
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    id: str
    public_id: str
    erased_at: dt.datetime
