"""Labels of facts: days, ages, sites and what was asked, as a clinician would say them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.utils import timezone

from classifier.models.submission import QUESTION_TEXTS

if TYPE_CHECKING:
    from classifier.models import Lesion, Submission

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MINUTE, HOUR, DAY = 60, 3600, 86400


def describe_day(moment: dt.datetime | dt.date | None) -> str:
    """The day: "3 March", with the year when it is not this one."""
    if moment is None:
        return ""
    day = timezone.localtime(moment) if isinstance(moment, dt.datetime) else moment
    words = f"{day.day} {MONTHS[day.month - 1]}"
    return words if day.year == timezone.localdate().year else f"{words} {day.year}"


def describe_age(moment: dt.datetime | None) -> str:
    """How long ago, short: "4 min", "2 h", "3 d"; the day itself after two weeks."""
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < MINUTE:
        return "now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    return f"{int(seconds // DAY)} d" if seconds < 14 * DAY else describe_day(moment)


def name_site(lesion: Lesion) -> str:
    """The site without the regions round it: "Left shoulder"."""
    return lesion.site_name.partition(" (")[0]


def list_texts(submission: Submission) -> list[tuple[str, str]]:
    """Label and words of each text that a sender may write of a case; where there is none, that."""
    given = dict(list_given_texts(submission))
    return [(text.label, given.get(text.label, text.if_none)) for text in QUESTION_TEXTS.values()]


def list_given_texts(submission: Submission) -> list[tuple[str, str]]:
    """Label and words of each text that somebody wrote of a case."""
    texts = ((text.label, getattr(submission, name).strip()) for name, text in QUESTION_TEXTS.items())
    return [(label, words) for label, words in texts if words]


def describe_birth(birth_date: dt.date | None) -> str:
    """Birth year and age: "born 1961, 65 years"; empty when unknown."""
    if birth_date is None:
        return ""
    years = count_years(birth_date, timezone.localdate())
    return f"born {birth_date.year}, {years} {'year' if years == 1 else 'years'}"


def count_years(birth_date: dt.date, day: dt.date) -> int:
    """The age on `day`, in years that are full."""
    is_before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - int(is_before_birthday)
