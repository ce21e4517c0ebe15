"""What a case is held for, as the report opens: the words of its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.labels.standing import hides_standing_of, label_case, say_case, say_finding_below
from classifier.report.content import Standing
from classifier.vocabulary import StandingBasis

if TYPE_CHECKING:
    from classifier.case_summary import CaseSummary
    from classifier.models import Submission

BY_THE_MODEL = "Preliminary, from the model alone."


def build_standing(submission: Submission, summary: CaseSummary) -> Standing:
    """As the viewer of `summary` may read it. What the model says in sentences stands below, once."""
    is_hidden = hides_standing_of(submission, summary)
    label = label_case(submission, is_hidden=is_hidden)
    by_people = submission.standing_basis in (StandingBasis.HISTOPATHOLOGY, StandingBasis.REVIEW)
    if not by_people:
        is_answer = submission.standing_basis == StandingBasis.MODEL and not is_hidden
        sentence = BY_THE_MODEL if is_answer else ""
        below = say_finding_below(submission, summary)
        return Standing(label.icon, label.word, sentence, below, "", by_people=False)
    words = say_case(submission, summary)
    return Standing(label.icon, label.word, words.sentence, words.second, words.next_step, by_people=True)
