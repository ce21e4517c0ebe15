"""Clinics, people and the caller."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from classifier.client.reading import HEADER


@dataclass(frozen=True, kw_only=True, slots=True)
class Clinic:
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClinicDetail:
    id: str
    name: str
    hide_result_until_read: bool
    consent_recorded_in: str
    created_at: dt.datetime
    etag: str = field(default="", repr=False, compare=False, metadata=HEADER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    clinic: Clinic
    role: str
    may: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Me:
    """Who calls, and what they may in each of their clinics."""

    id: str
    email: str
    full_name: str
    memberships: tuple[Membership, ...]
