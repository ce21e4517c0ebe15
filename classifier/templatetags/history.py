"""Template tags of lists and figures: age and sex, durations, chips of a headline, keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.utils import timezone

from classifier.domain.vocabulary import Sex
from classifier.labels.looks import HEADLINES
from classifier.labels.text import count_years
from classifier.models import Patient

register = template.Library()

HOURS_A_DAY = 24


@register.filter
def age_and_sex(patient: Patient) -> str:
    """Words such as "54, female"; what is unknown is left out."""
    parts = []
    if patient.birth_date:
        parts.append(str(count_years(patient.birth_date, timezone.localdate())))
    if patient.sex != Sex.UNKNOWN:
        parts.append(patient.get_sex_display().lower())
    return ", ".join(parts) or "age and sex not given"


@register.filter
def duration(value: dt.timedelta | None) -> str:
    """Words such as "1.8 s", "12 min", "5.5 h", "3.2 d"; "n/a" when there is nothing to measure."""
    if value is None:
        return "n/a"
    seconds = value.total_seconds()
    for limit, unit, size in ((60, "s", 1), (3600, "min", 60), (HOURS_A_DAY * 3600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.1f} {unit}" if seconds / size < 10 else f"{seconds / size:.0f} {unit}"  # noqa: PLR2004
    return f"{seconds / 86400:.1f} d"


@register.filter
def get_key(attributes: dict[str, Any]) -> str:
    """The keyboard key that a widget names for itself."""
    return str(attributes.get("data-key", ""))


@register.inclusion_tag("components/chip.html")
def headline_chip(headline: str) -> dict[str, Any]:
    """Chip of a headline alone, where figures count cases by it."""
    look = HEADLINES[headline]
    return {"look": look, "large": False, "word": look.word}
