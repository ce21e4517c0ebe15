"""An A4 page to write on: type, lines, and the foot that stands on every page."""

from __future__ import annotations

import dataclasses
import io
import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.output import OutputProducer

if TYPE_CHECKING:
    from fpdf.output import PDFCatalog

    from classifier.report.content import Footer, ReportPicture, ReportStatus


# --- Typeface -----------------------------------------------------------------------------------
# fpdf2 logs the characters that a font lacks, and they would be a patient's words: so what the font hasn't
# got is replaced before fpdf2 sees it.


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


SIDE, TOP, BOTTOM = 17.0, 13.0, 21.0
WIDTH = 210 - 2 * SIDE
BODY, SMALL, HEADING = 8.0, 7.0, 8.5
LEADING = 0.49
"""Millimetres of a line for each point of type: 1.4 times the type."""
PAGES = "\0\0"
"""Stands for the number of pages until it is known, with room for two digits. No text can hold it,
since control characters are taken out."""


class PassiveOutput(OutputProducer):
    """Without the action that fpdf2 has a reader do on opening, be it only to show the first page.

    Scanners of mail and records look for one, and a report has nothing to do by itself.
    """

    def _finalize_catalog(self, catalog_obj: PDFCatalog, *args: Any, **kwargs: Any) -> None:
        super()._finalize_catalog(catalog_obj, *args, **kwargs)
        catalog_obj.open_action = None


class Sheet(FPDF):
    """Black on white. Every position is in millimetres from the upper left corner."""

    def __init__(self, *, status: ReportStatus, footer: Footer) -> None:
        super().__init__(format="A4")
        self._status, self._footer = status, footer
        for style in FILES:
            self.add_font(FAMILY, style, find_font(style))
        self.set_margins(SIDE, TOP, SIDE)
        self.set_auto_page_break(auto=True, margin=BOTTOM)
        self.c_margin = 0.0
        self.alias_nb_pages(PAGES)
        self.set_lang("en")
        # A title names no patient: it stands in the window, and in lists of recent files.
        self.set_title("Dermoscopy report")
        self.set_creator("Dermaport")
        self.add_page()

    def finish(self) -> bytes:
        """The file. fpdf2 leaves those of its typefaces open."""
        try:
            return bytes(self.output(output_producer_class=PassiveOutput))
        finally:
            self.close()

    def close(self) -> None:
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def footer(self) -> None:
        self.set_y(-BOTTOM + 4)
        self.rule()
        left, y = SIDE, self.get_y() + 1.2
        self.write_fitting(self._footer.subject, x=left, y=y, width=WIDTH, bold=True)
        self.write_fitting(self._status.word, x=left, y=y + 3.6, width=WIDTH - 25, bold=True)
        self.type(SMALL)
        # Few reports have ten pages: set for a number of one digit.
        right = left + WIDTH - self.get_string_width(f"Page {self.page_no()} of 9")
        self.write_at(f"Page {self.page_no()} of {PAGES}", x=right, y=y + 3.6, points=SMALL)
        self.write_fitting(self._footer.printed, x=left, y=y + 7.2, width=WIDTH)

    def type(self, points: float, *, bold: bool = False) -> None:
        self.set_font(FAMILY, "B" if bold else "", points)

    def paragraph(self, text: str, *, width: float, points: float = BODY, bold: bool = False) -> None:
        """A paragraph from where the pen is, over the page's end where it must; the pen stays in its column."""
        self.type(points, bold=bold)
        left = self.get_x()
        self.multi_cell(width, points * LEADING, text, align="L", new_x="LEFT", new_y="NEXT")
        self.set_x(left)

    def write_at(
        self, text: str, *, x: float, y: float, points: float, bold: bool = False, align: str = "L"
    ) -> None:
        """One line that begins, is centred or ends at `x`."""
        self.type(points, bold=bold)
        width = self.get_string_width(text)
        shift = {"L": 0.0, "C": width / 2, "R": width}[align]
        self.set_xy(x - shift, y)
        self.cell(width, points * LEADING, text)

    def write_centred(
        self, text: str, *, x: float, y: float, width: float, height: float, points: float
    ) -> None:
        self.type(points, bold=True)
        self.set_xy(x, y)
        self.cell(width, height, text, align="C")

    def write_fitting(self, text: str, *, x: float, y: float, width: float, bold: bool = False) -> None:
        """One line in smaller type where it is long: a record number is never cut off."""
        line = " ".join(text.split())
        self.type(SMALL, bold=bold)
        points = min(SMALL, SMALL * width / max(self.get_string_width(line), 0.1))
        self.write_at(line, x=x, y=y, points=points, bold=bold)

    def heading(self, text: str, *, x: float = SIDE, width: float = WIDTH) -> None:
        self.set_x(x)
        self.paragraph(text, width=width, points=HEADING, bold=True)
        self.set_y(self.get_y() + 0.4)
        self.rule(x=x, width=width)
        self.set_xy(x, self.get_y() + 1.2)

    def rule(self, *, x: float = SIDE, width: float = WIDTH) -> None:
        self.set_line_width(0.2)
        self.line(x, self.get_y(), x + width, self.get_y())

    def shade(self, grey: int, *, x: float, y: float, width: float, height: float) -> None:
        self.set_fill_color(grey)
        self.rect(x, y, width, height, style="F")
        self.set_fill_color(0)

    def gap(self, millimetres: float) -> None:
        self.set_xy(SIDE, self.get_y() + millimetres)

    def picture(self, picture: ReportPicture, *, x: float, y: float, width: float, height: float) -> float:
        """As large as the box takes, in its upper left corner; return its height."""
        scale = min(width / picture.width, height / picture.height)
        tall = picture.height * scale
        jpeg = io.BytesIO(picture.jpeg)
        self.image(jpeg, x=x, y=y, w=picture.width * scale, h=tall, alt_text=picture.alternative)
        return tall

    def keep_together(self, millimetres: float) -> bool:
        """Begin a new page unless so much room is left on this one; return whether one was begun."""
        if not self.will_page_break(millimetres):
            return False
        self.begin_page()
        return True

    def begin_page(self) -> None:
        self.add_page()
        self.set_x(SIDE)
