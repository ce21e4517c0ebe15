"""Lists, page by page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")

LARGEST = 100
Filter = str | bool | int | dt.datetime | dt.date | Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the places of the pages beside it; None where there is none."""

    results: tuple[Row, ...]
    next: str | None
    previous: str | None


def write_filters(filters: Mapping[str, Filter]) -> dict[str, Any]:
    """As the API takes them; what is None is left out, and several values repeat the name."""
    return {name: write_value(value) for name, value in filters.items() if value is not None}


def write_value(value: Filter) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise ValueError("expected a moment with its time zone, received one without")
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return [str(one) for one in value or ()]
