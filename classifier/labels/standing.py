"""Standing labels: what a standing is called, and how it looks, for chips, headlines, files and mails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.domain.csv_cells import format_moment
from classifier.domain.states import Headline
from classifier.domain.vocabulary import (
    DIAGNOSIS_GROUPS,
    ORDERS,
    Diagnosis,
    Histopathology,
    Management,
    Standing,
    StandingBasis,
)
from classifier.labels.answers import choose_words
from classifier.labels.text import describe_day
from classifier.standing.hiding import hides_standing_of
from classifier.standing.reviews import find_review_in_force
from classifier.standing.standing import find_histopathology, find_order

if TYPE_CHECKING:
    from classifier.models import Outcome, Review, Submission
    from classifier.models.standing_columns import StandingColumns
    from classifier.standing.summary import CaseSummary


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
    if submission.model_answer == Headline.NOT_ASKED:
        return StandingLabel(word, "waiting", "eye")  # Nothing went wrong: a person is to look.
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


# --- In sentences -------------------------------------------------------------------------------
@dataclass(frozen=True)
class StandingWords:
    """A case in sentences, as its page, the PDF and mails say it.

    sentence: what holds, who said it and when. second: what the others had said, each a sentence, and
    whether the one that holds differs from it. next_step: what to do now, or empty.
    """

    sentence: str
    second: tuple[str, ...]
    next_step: str


DIFFERS = {
    StandingBasis.HISTOPATHOLOGY: "the pathologist's finding differs",
    StandingBasis.REVIEW: "the dermatologist's diagnosis differs",
}
MODEL_SAID: dict[str, str] = {
    Headline.MALIGNANT: "The model had said malignant",
    Headline.BENIGN: "The model had said benign",
    Headline.REFER: "The model had not decided: its figure was too close to the threshold",
    Headline.NOT_JUDGED: "The model had not judged the case",
    Headline.INCOMPLETE: "The model had not judged every picture",
    Headline.REJECTED: "The model had not judged the case",
    Headline.FAILED: "The model had given no result",
    Headline.NOT_ASKED: "The model was not asked",
}
FAR_SAID = "The model had not decided: the picture is unlike the pictures it learned from"
FAR_SAID_SHORT = "Model: unlike the pictures it learned from"
MODEL_SAID_SHORT: dict[str, str] = {
    Headline.MALIGNANT: "Model: malignant",
    Headline.BENIGN: "Model: benign",
    Headline.REFER: "Model: too close to call",
}


def format_case(submission: Submission, summary: CaseSummary) -> StandingWords:
    """What `submission` is held for, in sentences for the viewer whose `summary` it is.

    Reads the reviews with who signed, and the lesion's outcomes: load them beforehand. What the viewer
    may not know yet of the model's answer is left out.
    """
    words = choose_words(summary)
    if withdrawal := format_withdrawal(submission):
        return StandingWords(words.sentence, (withdrawal,), words.next_step)
    if hides_standing_of(submission, summary):
        return StandingWords(words.sentence, (), words.next_step)
    review, finding = find_review_in_force(submission.reviews.all()), find_histopathology(submission)
    if submission.standing_basis == StandingBasis.HISTOPATHOLOGY and finding:
        second = [_format_signature_below(submission, review), *_list_model(submission, summary)]
        step = _format_step_of_finding(submission)
        return StandingWords(format_finding(finding), tuple(filter(None, second)), step)
    if submission.standing_basis == StandingBasis.REVIEW and review:
        below = (*format_finding_below(submission, summary), *_list_model(submission, summary))
        return StandingWords(format_signature(review), below, _format_order(submission))
    return StandingWords(words.sentence, format_finding_below(submission, summary), words.next_step)


def format_finding_below(submission: Submission, summary: CaseSummary) -> tuple[str, ...]:
    """The pathologist's finding where it decides nothing, such as an inconclusive one under "malignant".

    Nothing for who may not know yet what the case is held for: beside which answer it stands would tell.
    """
    is_decisive = submission.standing_basis == StandingBasis.HISTOPATHOLOGY
    if is_decisive or hides_standing_of(submission, summary):
        return ()
    finding = find_histopathology(submission)
    return (format_finding(finding),) if finding else ()


def format_withdrawal(submission: Submission) -> str:
    """Such as "Withdrawn by Noor Ferrant, 3 March: sent twice."; empty where the case stands."""
    if submission.cancelled_at is None or submission.cancelled_by is None:
        return ""
    by = f"Withdrawn by {submission.cancelled_by.get_full_name()}, {describe_day(submission.cancelled_at)}"
    reason = submission.withdrawal_reason
    return f"{by}{': ' if reason else ''}{reason}{'' if reason.endswith(('.', '!', '?')) else '.'}"


def format_finding(finding: Outcome) -> str:
    """Such as "Pathologist: invasive melanoma, Breslow 1.2 mm, reported 9 March"."""
    thickness = f", Breslow {finding.breslow_mm.normalize():f} mm" if finding.breslow_mm else ""
    word = lower_first(finding.get_diagnosis_display())
    return f"Pathologist: {word}{thickness}, reported {describe_day(finding.reported_on)}."


def format_signature(review: Review) -> str:
    """Such as "Dr Okafor signed: melanoma, excise, 3 March"."""
    verb = "signed an amendment" if review.amends_id else "signed"
    return f"{review.signed_by.get_full_name()} {verb}: {_format_decision(review)}."


def format_model_below(submission: Submission, *, is_far: bool = False) -> str:
    """What the model had said, where people decided since, and whether that differs; else empty.

    "Model: benign; the dermatologist's diagnosis differs", from the columns of the case; `is_far` of its summary.
    """
    if not is_decided(submission):
        return ""
    said = FAR_SAID_SHORT if is_far else MODEL_SAID_SHORT.get(submission.model_answer, "")
    return _join_difference(said, differs=differs_from_model(submission), basis=submission.standing_basis)


def differs_from_model(submission: Submission) -> bool:
    """Whether what people found is the contrary of the model's answer, from the columns of the case."""
    contrary = {Headline.MALIGNANT: Standing.BENIGN, Headline.BENIGN: Standing.MALIGNANT}
    return is_decided(submission) and contrary.get(Headline(submission.model_answer)) == submission.standing


def is_decided(submission: Submission) -> bool:
    """Whether a person's word holds, so that the model's stands second."""
    return submission.standing_basis in DIFFERS


def lower_first(words: str) -> str:
    """In the middle of a sentence: "Bowen's disease" keeps its capital behind the first letter."""
    return words[:1].lower() + words[1:]


def _list_model(submission: Submission, summary: CaseSummary) -> list[str]:
    said = FAR_SAID if summary.is_far else MODEL_SAID.get(submission.model_answer, "")
    if summary.is_hidden:
        return []
    differs = differs_from_model(submission)
    sentence = _join_difference(said, differs=differs, basis=submission.standing_basis)
    return [f"{sentence}."] if sentence else []


def _format_signature_below(submission: Submission, review: Review | None) -> str:
    if review is None:
        return ""
    said = f"{review.signed_by.get_full_name()} had signed: {_format_decision(review)}"
    group = DIAGNOSIS_GROUPS[review.diagnosis]
    contrary = {group.value, submission.standing} == {Standing.BENIGN.value, Standing.MALIGNANT.value}
    return f"{_join_difference(said, differs=contrary, basis=StandingBasis.HISTOPATHOLOGY)}."


def _format_decision(review: Review) -> str:
    diagnosis, management = review.get_diagnosis_display(), review.get_management_display()
    return f"{lower_first(diagnosis)}, {lower_first(management)}, {describe_day(review.signed_at)}"


def _join_difference(said: str, *, differs: bool, basis: str) -> str:
    return f"{said}; {DIFFERS[StandingBasis(basis)]}" if said and differs else said


def _format_order(submission: Submission) -> str:
    """The signed order, with until when it is to be acknowledged, or that somebody did."""
    if not submission.management:
        return ""
    order = str(Management(submission.management).label)
    if due := submission.order_due_at:
        return f"{order}, to be acknowledged by {describe_day(due)}."
    return f"{order}: acknowledged." if _is_carried_out(submission) else f"{order}."


def _is_carried_out(submission: Submission) -> bool:
    return submission.management in ORDERS and submission.order_due_at is None


def _format_step_of_finding(submission: Submission) -> str:
    """What was signed before the finding came is not repeated as if it answered it."""
    if submission.order_due_at:
        return _format_order(submission)
    if submission.standing != Standing.MALIGNANT:
        is_open = submission.management and not _is_carried_out(submission)
        return (
            _format_order(submission) if is_open else "A dermatologist signs what follows from the finding."
        )
    if submission.management in (Management.NO_ACTION, Management.FOLLOW_UP, ""):
        return "No treatment is signed for this finding. Have a dermatologist decide it now."
    return "See that the patient is treated and followed up for this finding."


# --- Columns of a table -------------------------------------------------------------------------
# The same in every file that leaves.

STANDING_COLUMNS = (
    "standing",
    "standing_basis",
    "standing_diagnosis",
    "standing_by",
    "standing_at",
    "order",
    "order_due_at",
    "acknowledged_at",
)


def list_standing(submission: Submission, *, is_hidden: bool = False) -> list[object]:
    """What a case is held for, and what is ordered, in the order of STANDING_COLUMNS.

    `is_hidden` where the viewer is to read first. Reads the person, and the reviews with their
    acknowledgements: load them beforehand.
    """
    order = find_order(list(submission.reviews.all())) if submission.is_reviewed else None
    done = order.acknowledgement if order else None
    person = submission.standing_person
    held: list[object] = [
        submission.standing or None,
        submission.standing_basis or None,
        submission.standing_diagnosis or None,
        person.get_full_name() if person else None,
        format_moment(submission.standing_at),
    ]
    return [
        *([None] * len(held) if is_hidden else held),
        order.current.management if order else None,
        format_moment(submission.order_due_at),
        format_moment(done.acknowledged_at) if done else None,
    ]
