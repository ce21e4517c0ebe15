"""Patients and their lesions. What identifies a person is left out of `repr`: that may be logged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from classifier.client.reading import HEADER
from classifier.client.records.people import Clinic
from classifier.client.records.standing import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientReference:
    id: str
    public_id: str
    mrn: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PatientExpanded:
    clinic: Clinic | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    id: str
    clinic: str
    public_id: str
    mrn: str = field(repr=False)
    birth_date: dt.date | None = field(repr=False)
    sex: str = field(repr=False)
    skin_type: str = field(repr=False)
    consents_to_inference: bool | None
    created_at: dt.datetime
    standing: Standing
    expanded: PatientExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionReference:
    id: str
    patient: str
    body_site: str
    laterality: str
    site_name: str
    note: str = field(repr=False)
    created_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionExpanded:
    patient: Patient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesion(LesionReference):
    standing: Standing
    expanded: LesionExpanded
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)
