"""A case, its images, and where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classifier.client.reading import HEADER
from classifier.client.records.findings import ReviewReference
from classifier.client.records.patients import LesionReference, PatientReference
from classifier.client.records.people import Clinic, Person
from classifier.client.records.predictions import Prediction, Refusal
from classifier.client.records.standing import Order, ReadingClaim, Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Worth a look, and no error: `attr` is the image that it is about."""

    attr: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The answer to a submission."""

    id: str
    state: str
    patient: str
    lesion: str
    url: str
    status_url: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    id: str
    state: str
    is_finished: bool
    images: int
    images_finished: int
    position_in_queue: int | None
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What the gates measured of an image before a network looked."""

    version: str
    figures: Mapping[str, float] = field(repr=False)
    refusals: tuple[Refusal, ...]
    measured_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    id: str
    position: int
    original_name: str = field(repr=False)
    sha256: str
    format: str
    byte_size: int
    width: int
    height: int
    capture_kind: str
    dermoscopic_type: str
    quality: Mapping[str, Any] = field(repr=False)
    gate: Gate | None
    derivative_url: str
    predictions: tuple[Prediction, ...]

    @property
    def prediction(self) -> Prediction | None:
        """The one that counts: the last."""
        return self.predictions[-1] if self.predictions else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionExpanded:
    clinic: Clinic | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    id: str
    state: str
    preliminary: bool
    is_withheld: bool
    clinic: str
    patient: PatientReference
    lesion: LesionReference
    submitted_by: Person
    submitted_at: dt.datetime
    clinical_question: str = field(repr=False)
    clinical_history: str = field(repr=False)
    priority: str
    source: str
    cancelled_at: dt.datetime | None
    withdrawal_reason: str = field(repr=False)
    standing: Standing
    is_unread: bool
    order: Order | None
    reading_claim: ReadingClaim | None
    images: tuple[Image, ...]
    reviews: tuple[ReviewReference, ...]
    status_url: str
    expanded: SubmissionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)

    @property
    def review(self) -> ReviewReference | None:
        """The one that counts: the last of its amendments."""
        return self.reviews[-1] if self.reviews else None
