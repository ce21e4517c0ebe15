"""What a network says of an image."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classifier.client.reading import HEADER
from classifier.client.records.patients import LesionReference, Patient


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReference:
    id: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    id: str
    name: str
    version: str
    sha256: str
    lifecycle: str
    specification: Mapping[str, Any] = field(repr=False)
    registered_at: dt.datetime
    activated_at: dt.datetime | None
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdPolicy:
    version: str
    threshold: float
    refer_low: float
    refer_high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why the model didn't judge: a code, and a sentence that says what to do."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    id: str
    state: str
    position_in_queue: int | None
    attempt: int
    queued_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    outcome: str | None
    is_judged: bool | None
    probability: float | None
    calibrated_probability: float | None
    threshold_policy: ThresholdPolicy | None
    refusals: tuple[Refusal, ...]
    model_version: ModelReference
    device: str
    timings: Mapping[str, float] = field(repr=False)
    error_code: str
    error_message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionExpanded:
    lesion: LesionReference | None = None
    model_version: ModelVersion | None = None
    patient: Patient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionDetail(Prediction):
    """A prediction with the case that it belongs to."""

    image: str
    submission: str
    lesion: str
    preliminary: bool
    is_withheld: bool
    expanded: PredictionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)
