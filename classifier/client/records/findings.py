"""What people found: signed reviews, and histopathology."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from classifier.client.reading import HEADER
from classifier.client.records.patients import LesionReference, Patient
from classifier.client.records.people import Person


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewReference:
    """A dermatologist's signed decision."""

    id: str
    submission: str
    diagnosis: str
    agreement: str
    management: str
    comment: str = field(repr=False)
    unseen_reason: str = field(repr=False)
    signed_by: Person
    signed_at: dt.datetime
    amends: str | None
    amendment_reason: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewExpanded:
    lesion: LesionReference | None = None
    patient: Patient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Review(ReviewReference):
    is_current: bool
    expanded: ReviewExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeExpanded:
    lesion: LesionReference | None = None
    patient: Patient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What histopathology found. A correction is a new outcome that names the one before."""

    id: str
    lesion: str
    diagnosis: str
    procedure: str
    specimen_taken_on: dt.date
    reported_on: dt.date
    breslow_mm: float | None
    comment: str = field(repr=False)
    recorded_by: Person
    recorded_at: dt.datetime
    corrects: str | None
    correction_reason: str = field(repr=False)
    is_current: bool
    expanded: OutcomeExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)
