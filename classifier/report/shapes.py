"""The mark beside each word: the portal's icons as shapes that no colour has to tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.report.sheet import Sheet

    Draw = Callable[[Sheet, float, float, float], None]


def draw_mark(sheet: Sheet, icon: str, *, x: float, y: float, size: float) -> None:
    """The mark of `icon` in a square of `size` mm whose upper left corner is (x, y)."""
    sheet.set_line_width(size / 9)
    MARKS.get(icon, _draw_ring)(sheet, x, y, size)


def _draw_disc(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.circle(x + size / 2, y + size / 2, size / 2, style="F")


def _draw_ring(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.circle(x + size / 2, y + size / 2, size * 0.44, style="D")


def _draw_triangle(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.polygon([(x + size / 2, y), (x + size, y + size), (x, y + size)], style="F")


def _draw_question_mark(sheet: Sheet, x: float, y: float, size: float) -> None:
    _draw_ring(sheet, x, y, size)
    sheet.write_centred("?", x=x, y=y, width=size, height=size, points=size * 2)


def _draw_cross(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.line(x, y, x + size, y + size)
    sheet.line(x, y + size, x + size, y)


def _draw_tick(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.line(x, y + size * 0.55, x + size * 0.35, y + size * 0.9)
    sheet.line(x + size * 0.35, y + size * 0.9, x + size, y + size * 0.1)


MARKS: dict[str, Draw] = {
    "outcome-benign": _draw_disc,
    "outcome-malignant": _draw_triangle,
    "outcome-refer": _draw_question_mark,
    "outcome-failed": _draw_cross,
    "close": _draw_cross,
    "check": _draw_tick,
}
