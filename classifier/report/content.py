"""What a report says, ready to be drawn: words and numbers alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    label: str
    text: str


@dataclass(frozen=True)
class Group:
    """Facts that stand under one heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Status:
    """How far the report may be relied upon: a word for every page's foot, and the whole line."""

    word: str
    line: str
    is_signed: bool
    awaits_signature: bool
    """Whether there is something left to sign, by hand if need be."""


@dataclass(frozen=True)
class Standing:
    """What the case is held for, and on whose word: what the report opens with.

    second: what the others had said, each a sentence.
    """

    icon: str
    word: str
    sentence: str
    second: tuple[str, ...]
    next_step: str
    by_people: bool


@dataclass(frozen=True)
class Scale:
    """The calibrated figure from 0 to 1, with the policy that made the outcome."""

    figure: str
    marker: float
    threshold: float
    low: float
    high: float
    has_band: bool
    key: str


@dataclass(frozen=True)
class Answer:
    """What the model says, or why it says nothing."""

    title: str
    icon: str
    word: str
    sentence: str
    scale: Scale | None
    frequency: str
    next_step: str
    notes: tuple[str, ...]
    limits: tuple[str, ...]
    making: str


@dataclass(frozen=True)
class Picture:
    """A JPEG, and what is said below it; `alternative` is for those who don't see it."""

    jpeg: bytes
    width: int
    height: int
    alternative: str
    icon: str
    caption: str


@dataclass(frozen=True)
class Review:
    """The signed decision that stands."""

    management: str
    diagnosis: str
    comment: str
    amendment: str
    signature: str


@dataclass(frozen=True)
class Finding:
    """One result of histopathology, oldest corrections included."""

    text: str
    is_current: bool
    details: tuple[str, ...]


@dataclass(frozen=True)
class Footer:
    """Stands on every page: a page that got lost still says whose it is."""

    subject: str
    printed: str


@dataclass(frozen=True)
class Report:
    clinic: str
    subject: str
    status: Status
    standing: Standing
    groups: tuple[Group, ...]
    answer: Answer
    picture: Picture | None
    others: tuple[Picture, ...]
    review: Review | None
    clinical: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    footer: Footer
