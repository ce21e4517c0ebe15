"""The typeface, and which characters it has.

fpdf2 logs the characters that a font lacks, and they would be a patient's words: so what the font
hasn't got is replaced before fpdf2 sees it.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

FAMILY = "DejaVu"
FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}
MISSING = "□"
RIGHT_TO_LEFT = frozenset({"R", "AL"})
"""Without a shaping engine these would come out backwards, which is worse than not at all."""
EMPTY_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
"""More than one in a row only fills paper."""
BREAKS = dict.fromkeys(map(ord, "\v\f\x85\u2028\u2029"), "\n")

Content = TypeVar("Content")


def find_font(style: str) -> Path:
    """Of matplotlib, which carries DejaVu; only found, never imported: it takes a second."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("expected matplotlib, which carries the report's typeface; it is not installed")
    return Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", FILES[style])


@cache
def known_characters() -> frozenset[int]:
    """Code points that every style can draw."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 (comes with fpdf2, and as late)

    maps = []
    for style in FILES:
        with TTFont(find_font(style), lazy=True) as font:
            maps.append(frozenset(font.getBestCmap()))
    return frozenset.intersection(*maps)


def make_printable(content: Content) -> tuple[Content, bool]:
    """The same content with a box for each character that can't be drawn, and whether there was one."""
    changed = _replace(content)
    return changed, _count(changed) > _count(content)


def clean(text: str) -> str:
    """One text as it can be drawn: composed, without control and format characters."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").translate(BREAKS)
    return EMPTY_LINES.sub("\n\n", "".join(map(_clean_character, lines)))


def _clean_character(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    is_known = ord(character) in known_characters()
    return character if is_known and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT else MISSING


def _replace(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(map(_replace, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: _replace(getattr(value, name)) for name in names})
    return value


def _count(value: Any) -> int:
    """Boxes in all its texts: one that somebody wrote is no replacement."""
    if isinstance(value, str):
        return value.count(MISSING)
    if isinstance(value, tuple):
        return sum(map(_count, value))
    if dataclasses.is_dataclass(value):
        return sum(_count(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0
