"""What a standing is called, and how it looks: one label for chips, headlines, files and mails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.states import Headline
from classifier.vocabulary import Diagnosis, Histopathology, Standing, StandingBasis

if TYPE_CHECKING:
    from classifier.models import Submission
    from classifier.models.standing_columns import StandingColumns


@dataclass(frozen=True)
class StandingLabel:
    """One word with its tone and icon, and on whose word it stands.

    word: "Invasive melanoma", "Melanoma", "Malignant", "Not judged". tone, icon: of the style sheet and
    the sprite. said_by: "pathologist", "dermatologist", "model", or empty. note: "Histology", "Signed",
    "Preliminary", or empty.
    """

    word: str
    tone: str
    icon: str
    said_by: str = ""
    note: str = ""


LOOKS: dict[str, tuple[str, str]] = {
    Standing.MALIGNANT: ("malignant", "outcome-malignant"),
    Standing.INDETERMINATE: ("refer", "outcome-refer"),
    Standing.REFER: ("refer", "outcome-refer"),
    Standing.NOT_JUDGED: ("failed", "outcome-failed"),
    Standing.IN_WORK: ("waiting", "outcome-waiting"),
    Standing.BENIGN: ("benign", "outcome-benign"),
    Standing.WITHDRAWN: ("plain", "close"),
}
SAID_BY = {
    StandingBasis.HISTOPATHOLOGY: ("pathologist", "Histology"),
    StandingBasis.REVIEW: ("dermatologist", "Signed"),
    StandingBasis.MODEL: ("model", "Preliminary"),
    StandingBasis.STATE: ("", ""),
}
HIDDEN = StandingLabel("Read first", "waiting", "eye")
NO_CASE = StandingLabel("No case yet", "plain", "clock")
# A case that nobody judged says why.
UNJUDGED_WORDS: dict[str, str] = {
    Headline.INCOMPLETE: "Incomplete",
    Headline.FAILED: "Failed",
    Headline.NOT_ASKED: "For a reader",
}


def label_standing(row: StandingColumns, *, is_hidden: bool = False) -> StandingLabel:
    """The label of a case, a lesion or a patient; `is_hidden` where the viewer is to read first."""
    if is_hidden:
        return HIDDEN
    if not row.standing:
        return NO_CASE
    tone, icon = LOOKS[row.standing]
    said_by, note = SAID_BY[StandingBasis(row.standing_basis)]
    return StandingLabel(_choose_word(row), tone, icon, said_by, note)


def label_case(submission: Submission, *, is_hidden: bool = False) -> StandingLabel:
    """As `label_standing`, and of a case that nobody judged also why."""
    label = label_standing(submission, is_hidden=is_hidden)
    if is_hidden or submission.standing != Standing.NOT_JUDGED:
        return label
    word = UNJUDGED_WORDS.get(submission.model_answer, label.word)
    return StandingLabel(word, label.tone, label.icon)


def _choose_word(row: StandingColumns) -> str:
    """The diagnosis where a person made one; else the standing itself."""
    words = {
        StandingBasis.HISTOPATHOLOGY: Histopathology,
        StandingBasis.REVIEW: Diagnosis,
    }.get(StandingBasis(row.standing_basis))
    if words is not None:
        return str(words(row.standing_diagnosis).label)
    return str(Standing(row.standing).label)
