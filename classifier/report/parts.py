"""The parts of the report, from its head to the signature."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from classifier.intake import encode_jpeg
from classifier.report.shapes import draw_mark
from classifier.report.sheet import BODY, HEADING, LEADING, SIDE, SMALL, WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.labels.diagnoses import DiagnosisList
    from classifier.report.content import (
        Fact,
        Group,
        Report,
        ReportAnswer,
        ReportFinding,
        ReportPicture,
        ReportReview,
        ReportStanding,
        Scale,
    )
    from classifier.report.sheet import Sheet


# --- Probability scale --------------------------------------------------------------------------
# As templates/components/probability_scale.html draws it.


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


GUTTER = 5.0
PICTURE_WIDTH, PICTURE_HEIGHT = 74.0, 68.0
ANSWER_X = SIDE + PICTURE_WIDTH + GUTTER
ANSWER_WIDTH = WIDTH - PICTURE_WIDTH - GUTTER
LABEL_WIDTH = 17.0
FIGURE_WIDTH, DIAGNOSIS_BAR = 14.0, 1.8
THUMB = 25.0
HEADING_ROOM = 16.0
"""A heading and some lines below it: less is left to the next page."""


def draw_heading(sheet: Sheet, report: Report) -> None:
    sheet.paragraph(report.clinic, width=WIDTH, points=9)
    sheet.gap(1.5)
    sheet.paragraph("Dermoscopy report", width=WIDTH, points=16, bold=True)
    sheet.paragraph(report.subject, width=WIDTH, points=9.5)
    sheet.gap(2.5)
    top = sheet.get_y()
    sheet.set_xy(SIDE + 3, top + 1.8)
    sheet.paragraph(report.status.line, width=WIDTH - 6, points=9.5, bold=True)
    # What nobody signed is framed more heavily: seen across a desk, and in greyscale.
    sheet.set_line_width(0.3 if report.status.is_signed else 0.8)
    sheet.rect(SIDE, top, WIDTH, sheet.get_y() + 1.8 - top, style="D")
    sheet.gap(5)


def draw_standing(sheet: Sheet, standing: ReportStanding) -> None:
    """The first thing that is read: what the case is held for, and on whose word."""
    y = sheet.get_y()
    draw_mark(sheet, standing.icon, x=SIDE, y=y + 0.6, size=5.6)
    sheet.set_xy(SIDE + 8.5, y)
    sheet.paragraph(standing.word, width=WIDTH - 8.5, points=14, bold=True)
    sheet.set_x(SIDE)
    if standing.sentence:
        sheet.paragraph(standing.sentence, width=WIDTH, points=9.5)
    for text in standing.second:
        sheet.paragraph(text, width=WIDTH, points=SMALL)
    if standing.next_step:
        sheet.paragraph(standing.next_step, width=WIDTH, points=9, bold=True)
    sheet.gap(3.5)


def draw_facts(sheet: Sheet, groups: Sequence[Group]) -> None:
    """Side by side; the longest one says where the next part begins."""
    width = (WIDTH - GUTTER * (len(groups) - 1)) / len(groups)
    top, ends = sheet.get_y(), []
    for number, group in enumerate(groups):
        left = SIDE + number * (width + GUTTER)
        sheet.set_y(top)
        sheet.heading(group.title, x=left, width=width)
        for fact in group.facts:
            _draw_fact(sheet, fact, x=left, width=width)
        ends.append(sheet.get_y())
    sheet.set_y(max(ends))
    sheet.gap(3.5)


def _draw_fact(sheet: Sheet, fact: Fact, *, x: float, width: float) -> None:
    top = sheet.get_y()
    sheet.write_at(fact.label, x=x, y=top + 0.25, points=SMALL)
    sheet.set_xy(x + LABEL_WIDTH, top)
    sheet.paragraph(fact.text, width=width - LABEL_WIDTH)
    sheet.set_y(sheet.get_y() + 0.5)


def draw_answer(sheet: Sheet, report: Report) -> None:
    """The picture, and beside it what the model says of it."""
    top = sheet.get_y()
    end = _draw_picture(sheet, report.picture, top=top) if report.picture else top
    answer = report.answer
    sheet.set_y(top)
    sheet.heading(answer.title, x=ANSWER_X, width=ANSWER_WIDTH)
    y = sheet.get_y() + 1
    # Once people have decided, what the model said is the smaller.
    points, mark = (10.0, 4.0) if report.standing.by_people else (14.0, 5.6)
    draw_mark(sheet, answer.icon, x=ANSWER_X, y=y + 0.6, size=mark)
    sheet.set_xy(ANSWER_X + mark + 2.9, y)
    sheet.paragraph(answer.word, width=ANSWER_WIDTH - mark - 2.9, points=points, bold=True)
    sheet.set_xy(ANSWER_X, sheet.get_y() + 1)
    sheet.paragraph(answer.sentence, width=ANSWER_WIDTH, points=9)
    if answer.scale:
        y = draw_scale(sheet, answer.scale, x=ANSWER_X, y=sheet.get_y(), width=ANSWER_WIDTH)
        sheet.set_xy(ANSWER_X, y + 2)
        sheet.paragraph(answer.frequency, width=ANSWER_WIDTH, points=9)
    if answer.could_be:
        _draw_diagnoses(sheet, answer.could_be)
    if answer.next_step and not answer.notes:
        sheet.set_xy(ANSWER_X, sheet.get_y() + 2.5)
        sheet.paragraph("Next step", width=ANSWER_WIDTH, bold=True)
        sheet.paragraph(answer.next_step, width=ANSWER_WIDTH)
    sheet.set_y(max(end, sheet.get_y()))
    sheet.gap(3.5)


def _draw_diagnoses(sheet: Sheet, could_be: DiagnosisList) -> None:
    """As templates/components/could_be.html: a bar a diagnosis, hatched where it is malignant."""
    sheet.set_xy(ANSWER_X, sheet.get_y() + 1.5)
    sheet.paragraph(f"{could_be.title}, {could_be.unit}", width=ANSWER_WIDTH, bold=True)
    if could_be.none:
        sheet.paragraph(f"{could_be.none}:", width=ANSWER_WIDTH)
    for row in could_be.rows:
        y = sheet.get_y() + 0.4
        sheet.write_at(row.figure, x=ANSWER_X + ANSWER_WIDTH, y=y, points=BODY, bold=True, align="R")
        sheet.set_xy(ANSWER_X, y)
        sheet.paragraph(f"{row.name}, {row.group.lower()}", width=ANSWER_WIDTH - FIGURE_WIDTH)
        y, width = sheet.get_y() + 0.2, ANSWER_WIDTH * row.share
        if row.is_malignant:
            draw_hatch(sheet, x=ANSWER_X, y=y, width=width, height=DIAGNOSIS_BAR)
        else:
            sheet.shade(DARK, x=ANSWER_X, y=y, width=width, height=DIAGNOSIS_BAR)
        sheet.set_line_width(0.2)
        sheet.rect(ANSWER_X, y, ANSWER_WIDTH, DIAGNOSIS_BAR, style="D")
        sheet.set_xy(ANSWER_X, y + DIAGNOSIS_BAR)
    for note in could_be.notes:
        sheet.set_xy(ANSWER_X, sheet.get_y() + 0.6)
        sheet.paragraph(note, width=ANSWER_WIDTH, points=SMALL)


def _draw_picture(sheet: Sheet, picture: ReportPicture, *, top: float) -> float:
    height = sheet.picture(picture, x=SIDE, y=top + 0.6, width=PICTURE_WIDTH, height=PICTURE_HEIGHT)
    sheet.set_xy(SIDE, top + height + 1.8)
    sheet.paragraph(picture.caption, width=PICTURE_WIDTH, points=SMALL)
    return sheet.get_y()


def draw_notes(sheet: Sheet, answer: ReportAnswer) -> None:
    """With the next step after them, which may build on them: "take it again as said above"."""
    if not answer.notes:
        return
    sheet.keep_together(HEADING_ROOM)
    sheet.heading("Keep in mind")
    _draw_list(sheet, answer.notes)
    if answer.next_step:
        sheet.gap(0.8)
        sheet.paragraph(f"Next step: {answer.next_step}", width=WIDTH, bold=True)
    sheet.gap(2.5)


def _draw_list(sheet: Sheet, texts: Sequence[str], points: float = BODY) -> None:
    for text in texts:
        sheet.keep_together(points * LEADING)
        y = sheet.get_y()
        sheet.write_at("•", x=SIDE, y=y, points=points)
        sheet.set_xy(SIDE + 3.5, y)
        sheet.paragraph(text, width=WIDTH - 3.5, points=points)
        sheet.gap(0.3)


def draw_review(sheet: Sheet, review: ReportReview | None) -> None:
    if review is None:
        return
    sheet.keep_together(HEADING_ROOM + 6)
    sheet.heading("The dermatologist's review")
    sheet.paragraph(review.management, width=WIDTH, points=10, bold=True)
    sheet.paragraph(review.diagnosis, width=WIDTH, points=9)
    for text in filter(None, (review.comment, review.amendment)):
        sheet.gap(0.8)
        sheet.paragraph(text, width=WIDTH)
    sheet.gap(0.8)
    sheet.paragraph(review.signature, width=WIDTH, points=SMALL)
    sheet.gap(2.5)


def draw_others(sheet: Sheet, others: Sequence[ReportPicture]) -> None:
    """The other images in rows, each with its own word."""
    if not others:
        return
    step = THUMB + GUTTER
    row = int((WIDTH + GUTTER) // step)
    sheet.keep_together(HEADING_ROOM + THUMB)
    sheet.heading("Other images of this case")
    for start in range(0, len(others), row):
        sheet.keep_together(THUMB + 9)
        top, ends = sheet.get_y(), []
        for number, picture in enumerate(others[start : start + row]):
            ends.append(_draw_thumb(sheet, picture, x=SIDE + number * step, top=top))
        sheet.set_y(max(ends))
        sheet.gap(2)


def _draw_thumb(sheet: Sheet, picture: ReportPicture, *, x: float, top: float) -> float:
    y = top + sheet.picture(picture, x=x, y=top, width=THUMB, height=THUMB) + 1
    draw_mark(sheet, picture.icon, x=x, y=y + 0.6, size=2.3)
    sheet.set_xy(x + 3.5, y)
    sheet.paragraph(picture.caption, width=THUMB + GUTTER - 4.5, points=SMALL)
    return sheet.get_y()


def draw_clinical(sheet: Sheet, facts: Sequence[Fact]) -> None:
    sheet.keep_together(HEADING_ROOM)
    sheet.heading("Clinical data")
    for fact in facts:
        sheet.keep_together(BODY * LEADING)
        y = sheet.get_y()
        sheet.write_at(fact.label, x=SIDE, y=y + 0.25, points=SMALL)
        sheet.set_xy(SIDE + LABEL_WIDTH, y)
        sheet.paragraph(fact.text, width=WIDTH - LABEL_WIDTH)
        sheet.gap(0.5)
    sheet.gap(2.5)


def draw_findings(sheet: Sheet, findings: Sequence[ReportFinding]) -> None:
    if not findings:
        return
    sheet.keep_together(HEADING_ROOM)
    sheet.heading("Histopathology of this lesion")
    for finding in findings:
        sheet.paragraph(finding.text, width=WIDTH, bold=finding.is_current)
        for detail in finding.details:
            sheet.paragraph(detail, width=WIDTH)
        sheet.gap(1)
    sheet.gap(2.5)


def draw_limits(sheet: Sheet, answer: ReportAnswer) -> None:
    if answer.limits:
        sheet.keep_together(HEADING_ROOM)
        sheet.heading("What the model can't judge")
        _draw_list(sheet, answer.limits, SMALL + 0.5)
    if answer.making:
        sheet.gap(1)
        sheet.paragraph(answer.making, width=WIDTH, points=SMALL)


def draw_signature(sheet: Sheet, report: Report) -> bool:
    """Who signed, or room for a pen; never parted by a page's end. Returns whether it began a page."""
    stands_alone = sheet.keep_together(20.5)
    sheet.gap(3)
    if report.review:
        sheet.rule()
        sheet.gap(2)
        sheet.paragraph(report.review.signature, width=WIDTH, points=HEADING, bold=True)
    elif report.status.awaits_signature:
        _draw_signature_lines(sheet)
    return stands_alone


def _draw_signature_lines(sheet: Sheet) -> None:
    sheet.paragraph("Not signed in the portal. Name, date, signature:", width=WIDTH)
    y, width = sheet.get_y() + 9.5, (WIDTH - 2 * GUTTER) / 3
    for number, word in enumerate(("Name", "Date", "Signature")):
        x = SIDE + number * (width + GUTTER)
        sheet.set_y(y)
        sheet.rule(x=x, width=width)
        sheet.write_at(word, x=x, y=y + 0.6, points=SMALL)


# --- Pictures -----------------------------------------------------------------------------------
# Made small enough to be printed and sent, from pixels alone.


LARGE_SIDE, SMALL_SIDE = 1200, 400
"""Longest side in pixels: of the picture that speaks for the case, and of the others."""
QUALITY = 88


class UnreadableError(Exception):
    """The stored bytes are no picture any more."""


@dataclass(frozen=True)
class Reduced:
    jpeg: bytes
    width: int
    height: int


def reduce_picture(data: bytes, longest: int) -> Reduced:
    """The picture with at most `longest` pixels on its longer side. Raises UnreadableError."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            # A JPEG can be decoded at a half or a quarter: less memory, and no less of what is kept.
            image.draft("RGB", (longest, longest))
            pixels = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError from error
    jpeg = encode_jpeg(pixels, longest, QUALITY)
    with Image.open(io.BytesIO(jpeg)) as reduced:
        return Reduced(jpeg, *reduced.size)
