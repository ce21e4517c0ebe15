"""The report as a PDF: what stands where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.report.fonts import make_printable
from classifier.report.parts import (
    draw_answer,
    draw_clinical,
    draw_facts,
    draw_findings,
    draw_heading,
    draw_limits,
    draw_notes,
    draw_others,
    draw_review,
    draw_signature,
    draw_standing,
)
from classifier.report.sheet import SMALL, WIDTH, Sheet

if TYPE_CHECKING:
    from classifier.report.content import Report

GAPS = "Some characters can't be printed here: each stands as □. The portal shows them."


def draw_report(content: Report) -> bytes:
    """The PDF of a case: one page where its texts are short, as many as they need otherwise."""
    report, has_gaps = make_printable(content)
    sheet = Sheet(status=report.status, footer=report.footer)
    sheet.set_fill_color(0)
    draw_heading(sheet, report)
    draw_standing(sheet, report.standing)
    draw_facts(sheet, report.groups)
    draw_answer(sheet, report)
    draw_notes(sheet, report.answer)
    draw_review(sheet, report.review)
    draw_others(sheet, report.others)
    draw_clinical(sheet, report.clinical)
    draw_findings(sheet, report.findings)
    draw_limits(sheet, report.answer)
    if has_gaps:
        sheet.gap(2)
        sheet.paragraph(GAPS, width=WIDTH, points=SMALL, bold=True)
    draw_signature(sheet, report)
    return sheet.finish()
