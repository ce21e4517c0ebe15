"""Moments and days as the report writes them: always with the year, since paper is kept."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.formats import date_format


def say_moment(moment: dt.datetime) -> str:
    """As a case's page does: "3 March 2026, 14:02"."""
    return date_format(timezone.localtime(moment), "j F Y, H:i")


def say_day(day: dt.date | dt.datetime) -> str:
    return date_format(timezone.localtime(day) if isinstance(day, dt.datetime) else day, "j F Y")
