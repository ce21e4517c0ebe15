"""ISO 8601 dates and moments as people and programs send them: `2026-01-31`, `2026-01-31T10:30:00Z`.

Python reads more of ISO 8601 than is meant here: a compact date (20260131) can be a record number that slipped
into another column, and a week (2026-W05-6) is no form of FHIR, of the API's schema or of a date field.
"""

from __future__ import annotations

import datetime as dt
import re

DAY = r"\d{4}-\d{2}-\d{2}"
TIME = r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
ONE_DAY = re.compile(DAY, re.ASCII)
MOMENT = re.compile(rf"{DAY}(?:[T ]{TIME} ?{ZONE}?)?", re.ASCII | re.IGNORECASE)


def read_day(text: str) -> dt.date:
    """The day that `text` writes as YYYY-MM-DD. Raises ValueError."""
    if not ONE_DAY.fullmatch(text):
        raise ValueError("expected a day as YYYY-MM-DD")
    return dt.date.fromisoformat(text)


def is_moment(text: str) -> bool:
    """Whether `text` is written as a day or a moment may be: YYYY-MM-DD, then a time with or without its zone."""
    return MOMENT.fullmatch(text) is not None
