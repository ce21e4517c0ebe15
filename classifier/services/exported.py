"""What all exports share: the lines on their way out, what stayed behind, and how a moment is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Export:
    """Iterated once, line by line; `left_out` counts rows whose patient withdrew the consent."""

    lines: Iterator[str]
    left_out: int = 0

    def __iter__(self) -> Iterator[str]:
        return self.lines


def format_moment(moment: dt.datetime | None) -> str | None:
    """UTC to the second, as "2026-03-03T09:15:00Z", so that text sorts as time; None where there is none.

    Of every CSV and of the archive of a patient; the client of the API writes its CSV the same way.
    """
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None
