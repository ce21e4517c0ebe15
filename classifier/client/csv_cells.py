"""Cells that a spreadsheet shows and never runs.

The same rules as `classifier.services.csv_cells` and `exported`, which this client can't import; a test holds the
two together.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from typing import TextIO

BOM = "\ufeff"
FORMULA_SIGNS = frozenset("=+-@")
# A program set to another separator cuts a cell in two there, and the rest may start a formula.
SEPARATORS = re.compile(r"([;,|\t\r\n]+)")
# What a spreadsheet strips or skips before it decides whether a cell is a formula.
SKIPPED = frozenset("\"'`\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb")
FULL_MINUS = "\u2212"


def write_csv(stream: TextIO, rows: Iterable[Iterable[object]]) -> None:
    stream.write(BOM)
    csv.writer(stream).writerows([neutralise(cell) for cell in row] for row in rows)


def neutralise(cell: object) -> str:
    """Text of a cell with an apostrophe before whatever a spreadsheet would take for a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool | int | float):
        return str(cell)
    parts = SEPARATORS.split(str(cell).replace("\x00", ""))
    parts[::2] = [f"'{part}" if starts_formula(part) else part for part in parts[::2]]
    safe = "".join(parts)
    return f"'{safe}" if safe[:1] in ("\t", "\r", "\n") else safe


def starts_formula(text: str) -> bool:
    """Whether the first character that counts is a formula's, also in its full-width form."""
    for character in text:
        if character in SKIPPED or character.isspace() or unicodedata.category(character) in ("Cf", "Cc"):
            continue
        return unicodedata.normalize("NFKC", character)[:1] in FORMULA_SIGNS or character == FULL_MINUS
    return False


def format_moment(moment: dt.datetime | None) -> str | None:
    """UTC to the second, as "2026-03-03T09:15:00Z", so that text sorts as time."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None
