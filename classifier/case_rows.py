"""Rows of a list: a case as every list of pages shows it, loaded in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.case_summary import CaseSummary, summarise, summary_prefetches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.models import Submission
    from classifier.models.submission import SubmissionQuerySet


@dataclass(frozen=True)
class CaseRow:
    """One case in a list; `note` says why it stands there."""

    submission: Submission
    summary: CaseSummary
    note: str = ""


def load_cases(submissions: SubmissionQuerySet) -> SubmissionQuerySet:
    """Add everything that rows and summaries read."""
    return submissions.select_related(
        "clinic", "lesion__patient", "submitted_by", "responsible"
    ).prefetch_related(*summary_prefetches())


def build_rows(submissions: Iterable[Submission], *, role: str) -> list[CaseRow]:
    """Rows as a person with `role` in the cases' clinic may see them; the cases come from `load_cases`."""
    return [CaseRow(case, summarise(case, role=role)) for case in submissions]
