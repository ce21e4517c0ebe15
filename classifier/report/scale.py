"""The calibrated figure on its line from 0 to 100, as templates/components/probability_scale.html."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.report.content import Scale
    from classifier.report.sheet import Sheet

PIXEL = 0.27
"""Millimetres for one pixel of the page's drawing."""
BAR_TOP, BAR_HEIGHT = 34 * PIXEL, 12 * PIXEL
HATCH = 1.4
LIGHT, DARK = 240, 165
HALF = 7 * PIXEL
"""Half the marker's width."""
NEAR_END = 0.06


def draw_scale(sheet: Sheet, scale: Scale, *, x: float, y: float, width: float) -> float:
    """Draw it with its key, and return where it ends."""
    top = y + BAR_TOP
    _draw_bar(sheet, scale, x=x, top=top, width=width)
    at = x + scale.threshold * width
    sheet.set_line_width(0.5)
    sheet.line(at, top - 4 * PIXEL, at, top + BAR_HEIGHT + 4 * PIXEL)
    _draw_marker(sheet, scale, x=x + scale.marker * width, top=y)
    for place, word, align in ((0.0, "0", "L"), (0.5, "50", "C"), (1.0, "100", "R")):
        sheet.write_at(word, x=x + place * width, y=top + BAR_HEIGHT + 1.2, points=7, align=align)
    return _draw_key(sheet, scale, x=x, y=top + BAR_HEIGHT + 5, width=width)


def _draw_bar(sheet: Sheet, scale: Scale, *, x: float, top: float, width: float) -> None:
    low, high = x + scale.low * width, x + scale.high * width
    sheet.shade(LIGHT, x=x, y=top, width=low - x, height=BAR_HEIGHT)
    sheet.shade(DARK, x=high, y=top, width=x + width - high, height=BAR_HEIGHT)
    if scale.has_band:
        draw_hatch(sheet, x=low, y=top, width=high - low)
    sheet.set_line_width(0.2)
    sheet.rect(x, top, width, BAR_HEIGHT, style="D")


def draw_hatch(sheet: Sheet, *, x: float, y: float, width: float, height: float = BAR_HEIGHT) -> None:
    sheet.set_line_width(0.2)
    with sheet.rect_clip(x, y, width, height):
        start = x - height
        while start < x + width:
            sheet.line(start, y + height, start + height, y)
            start += HATCH
    sheet.line(x, y, x, y + height)
    sheet.line(x + width, y, x + width, y + height)


def _draw_marker(sheet: Sheet, scale: Scale, *, x: float, top: float) -> None:
    tip, shoulder, back = top + 46 * PIXEL, top + 33 * PIXEL, top + 25 * PIXEL
    corners = [(x, tip), (x + HALF, shoulder), (x + HALF, back), (x - HALF, back), (x - HALF, shoulder)]
    sheet.polygon(corners, style="F")
    align, at = "C", x
    if scale.marker < NEAR_END:
        align, at = "L", x - HALF
    elif scale.marker > 1 - NEAR_END:
        align, at = "R", x + HALF
    sheet.write_at(scale.figure, x=at, y=top + 1.2, points=10, bold=True, align=align)


def _draw_key(sheet: Sheet, scale: Scale, *, x: float, y: float, width: float) -> float:
    sheet.set_xy(x, y)
    sheet.paragraph(scale.key, width=width, points=7)
    return sheet.get_y()
