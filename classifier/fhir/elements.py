"""Small parts that many resources are made of."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from classifier.domain.vocabulary import Laterality
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.systems import BODY_SITE, SNOMED_CT, coding, concept

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.fhir.systems import JSON
    from classifier.models import Lesion


SIDES = {
    Laterality.LEFT: ("7771000", "Left"),
    Laterality.RIGHT: ("24028007", "Right"),
    Laterality.MIDLINE: ("261129000", "Midline"),
}


def refer_to(kind: str, key: Any, display: str = "") -> JSON:
    return {"reference": f"{kind}/{key}", **({"display": display} if display else {})}


def instant(moment: dt.datetime) -> str:
    """A FHIR instant in UTC, to the millisecond, which every language can read."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def site_of(lesion: Lesion) -> JSON:
    """The body site with its side in words: FHIR's bodySite has no place for the side."""
    return concept(coding(BODY_SITE, lesion.body_site), text=lesion.site_name)


def side_of(lesion: Lesion) -> JSON | None:
    side = SIDES.get(Laterality(lesion.laterality))
    return concept(coding(SNOMED_CT, *side)) if side else None


def drop_empty(resource: JSON) -> JSON:
    """FHIR forbids null, empty strings, lists and objects: what there isn't is left out."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}


# --- Dates in searches --------------------------------------------------------------------------
# A prefix, and a moment as wide as it was written: a year, a month, a day, a minute, a second or less
# (https://hl7.org/fhir/R4/search.html#date).


DATE = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)(?P<time>T\d\d:\d\d"
    r"(?P<second>:\d\d(\.(?P<fraction>\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
MICROSECONDS = 6
"""Digits of a fraction that a moment of the database has."""
PREFIXES: dict[str, Callable[[str, dt.datetime, dt.datetime], Q]] = {
    "eq": lambda name, start, end: Q(**{f"{name}__gte": start, f"{name}__lt": end}),
    "ne": lambda name, start, end: ~Q(**{f"{name}__gte": start, f"{name}__lt": end}),
    "ge": lambda name, start, _: Q(**{f"{name}__gte": start}),
    "gt": lambda name, _, end: Q(**{f"{name}__gte": end}),
    "le": lambda name, _, end: Q(**{f"{name}__lt": end}),
    "lt": lambda name, start, _: Q(**{f"{name}__lt": start}),
    "sa": lambda name, _, end: Q(**{f"{name}__gte": end}),
    "eb": lambda name, start, _: Q(**{f"{name}__lt": start}),
}


def within(name: str, value: str) -> Q:
    """The condition that `value`, such as `ge2026-03-01`, puts on the column `name`."""
    # A plus in an address means a space: +02:00 arrives torn.
    found = DATE.fullmatch(value.strip().replace(" ", "+"))
    if found is None:
        raise _invalid()
    try:
        start, end = _read_interval(found)
        return PREFIXES[found["prefix"] or "eq"](name, start, end)
    except (ValueError, KeyError, OverflowError) as error:
        raise _invalid() from error


def _invalid() -> FhirError:
    text = "A date is written like ge2026-03-01 or lt2026-03-01T12:00:00Z."
    return FhirError(400, Issue("invalid_date", text, kind="value"))


def _read_interval(found: re.Match[str]) -> tuple[dt.datetime, dt.datetime]:
    year, month, day = (int(found[part] or 1) for part in ("year", "month", "day"))
    start = dt.datetime(year, month, day, tzinfo=timezone.get_current_timezone())
    if found["time"]:
        moment = _read_moment(f"{start:%Y-%m-%d}{found['time']}")
        return moment, moment + _find_width(found)
    if found["day"]:
        return start, start + dt.timedelta(days=1)
    if found["month"]:
        return start, (start + dt.timedelta(days=31)).replace(day=1)
    return start, start.replace(year=year + 1)


def _read_moment(text: str) -> dt.datetime:
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _find_width(found: re.Match[str]) -> dt.timedelta:
    """As exact as the time was written: a minute, a second, or the last digit of its fraction."""
    if not found["second"]:
        return dt.timedelta(minutes=1)
    digits = min(len(found["fraction"] or ""), MICROSECONDS)
    return dt.timedelta(microseconds=10 ** (MICROSECONDS - digits))
