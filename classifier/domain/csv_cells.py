"""CSV injection: cells that a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


BOM = "\ufeff"
FORMULA_SIGNS = frozenset("=+-@")
# A program set to another separator cuts a cell in two there, and the rest may start a formula.
SEPARATORS = re.compile(r"([;,|\t\r\n]+)")
# What a spreadsheet strips or skips before it decides whether a cell is a formula.
SKIPPED = frozenset("\"'`\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def write_rows(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV text of `rows`, line by line, every cell harmless; the first line carries the BOM."""
    writer = csv.writer(_Echo())
    yield BOM
    for row in rows:
        yield writer.writerow([neutralise(cell) for cell in row])


def neutralise(cell: object) -> str:
    """Text of a cell with an apostrophe before whatever a spreadsheet would take for a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool | int | float):
        return str(cell)
    text = str(cell).replace("\x00", "")
    parts = SEPARATORS.split(text)
    parts[::2] = [f"'{part}" if starts_formula(part) else part for part in parts[::2]]
    safe = "".join(parts)
    return f"'{safe}" if safe[:1] in ("\t", "\r", "\n") else safe


def starts_formula(text: str) -> bool:
    """Whether the first character that counts is a formula's, also in its full-width form."""
    for character in text:
        if character in SKIPPED or character.isspace() or unicodedata.category(character) in ("Cf", "Cc"):
            continue
        return unicodedata.normalize("NFKC", character)[:1] in FORMULA_SIGNS or character == "\u2212"
    return False


# --- Exports ------------------------------------------------------------------------------------
# The lines on their way out, what stayed behind, and how a moment is written.


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
