"""Blinding: hiding the model's answer from dermatologists until they have read the case themselves.

The rule: where a clinic asks for it, whatever the model says of a case is hidden from the clinic's
dermatologists until a review of that case is signed; only the reading page, with its explanation, opens
earlier, to a reader who has recorded a diagnosis of their own.

A case of which one image is still in work, and a withdrawn one, was never signed: it stays hidden, too.
What follows from the answer alone (the standing of a case, a lesion or a patient on the model's word) is
hidden with it. What people said of a case is never hidden. Each rule stands in Python beside its twin
in SQL; pages, REST, FHIR, exports, the PDF and webhooks ask here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from classifier.domain.states import Headline, SubmissionState
from classifier.domain.vocabulary import Standing, StandingBasis
from classifier.models import Reading
from portal.trust.accounts.models import Membership
from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    import uuid

    from classifier.models import Submission
    from classifier.models.standing_columns import StandingColumns
    from classifier.models.submission import SubmissionQuerySet
    from classifier.standing.summary import CaseSummary
    from portal.trust.accounts.models import Clinic, User

FIRST_RANK = 0
"""Rank of what people hold for malignant or refer urgently: no answer of the model comes before it."""


# --- Who ----------------------------------------------------------------------------------------
def is_blinded(clinic: Clinic, role: str | None) -> bool:
    """Whether a person with `role` in `clinic` is to read before seeing the model's answer."""
    return clinic.hide_result_until_read and role == Role.DERMATOLOGIST


def when_blinded(user: User, *, clinic: str = "clinic") -> Exists:
    """`is_blinded` in SQL: of rows whose clinic stands in the column `clinic`, for this user."""
    return Exists(
        Membership.objects.held_by(user).filter(
            role=Role.DERMATOLOGIST, clinic=OuterRef(clinic), clinic__hide_result_until_read=True
        )
    )


# --- The answer ---------------------------------------------------------------------------------
def hides_answer(submission: Submission, role: str | None) -> bool:
    """Whether what the model says of this case, or of one image of it, is hidden from `role`.

    The role is that in the case's clinic. Where the model is not asked there is nothing to hide.
    """
    return (
        is_blinded(submission.clinic, role)
        and submission.state != SubmissionState.REVIEWED
        and submission.model_answer != Headline.NOT_ASKED
    )


def when_answer_is_hidden(case: str = "") -> Q:
    """`hides_answer` in SQL, for those who are blinded; `case` is the path to the case, as "image__case__"."""
    return ~Q(**{f"{case}state": SubmissionState.REVIEWED}) & ~Q(
        **{f"{case}model_answer": Headline.NOT_ASKED}
    )


HIDES_ANSWER = when_answer_is_hidden()


def find_unseen_reading(*, reader: User, submission: Submission) -> str:
    """The diagnosis that `reader` gave before seeing the model's answer; empty if none."""
    found = Reading.objects.filter(submission=submission, reader=reader).values_list("diagnosis", flat=True)
    return found.first() or ""


def must_read_first(*, reader: User, submission: Submission, role: str | None) -> bool:
    """Whether the reading page, and the explanation on it, keep the answer from `reader` as well.

    `role` is theirs in the case's clinic. Their own reading, once recorded, opens these two.
    """
    return hides_answer(submission, role) and not find_unseen_reading(reader=reader, submission=submission)


# --- "Read first" -------------------------------------------------------------------------------
def is_read_first(submission: Submission, role: str | None) -> bool:
    """Whether the case is shown as "Read first": there is an answer, and it is hidden from `role`."""
    return hides_answer(submission, role) and submission.state == SubmissionState.AWAITING_REVIEW


IS_READ_FIRST = HIDES_ANSWER & Q(state=SubmissionState.AWAITING_REVIEW)
"""`is_read_first` in SQL, of cases, for those who are blinded."""


# --- What follows from the answer ---------------------------------------------------------------
def follows_from_answer(row: StandingColumns) -> bool:
    """Whether a case that hides its answer would be held for something else with another answer."""
    from_model = row.standing_basis in (StandingBasis.MODEL, StandingBasis.STATE)
    return from_model or _is_undecided_finding(row)


def _is_undecided_finding(row: StandingColumns) -> bool:
    is_finding = row.standing_basis == StandingBasis.HISTOPATHOLOGY
    return is_finding and row.standing == Standing.INDETERMINATE


IS_UNDECIDED_FINDING = Q(standing=Standing.INDETERMINATE, standing_basis=StandingBasis.HISTOPATHOLOGY)
"""An inconclusive finding takes the place of a "benign": before a review is signed, of the model's."""


def hides_standing(submission: Submission, role: str | None) -> bool:
    """Whether what the case is held for would give its hidden answer away."""
    return follows_from_answer(submission) and is_read_first(submission, role)


HIDES_STANDING = IS_READ_FIRST & (
    Q(standing_basis__in=[StandingBasis.MODEL, StandingBasis.STATE]) | IS_UNDECIDED_FINDING
)
"""`hides_standing` in SQL, of cases, for those who are blinded."""


def hides_standing_of(submission: Submission, summary: CaseSummary) -> bool:
    """`hides_standing` for the viewer of `summary`: on the reading page one who has read it already."""
    return summary.is_hidden and follows_from_answer(submission)


def hides_worst(row: StandingColumns, clinic: Clinic, role: str | None, *, has_unread: bool = False) -> bool:
    """The same of a lesion or a patient, whose standing is that of the worst of their cases.

    `has_unread` says whether any of their cases is to be read first (`has_unread_answer`). Whatever stands
    above an unread case although a "malignant" of the model would have stood there tells that the model
    didn't say it: people's words are hidden here too, and stand with their own cases. Only "malignant" on
    their word stands first whatever the model said.
    """
    from_model = row.standing_basis == StandingBasis.MODEL or row.standing == Standing.NOT_JUDGED
    with_unread = has_unread and row.standing != Standing.MALIGNANT
    return (from_model or with_unread) and is_blinded(clinic, role)


def when_worst_is_hidden(cases: SubmissionQuerySet) -> Q:
    """`hides_worst` in SQL, of lesions or patients of whom `cases` are the cases, by OuterRef."""
    from_model = Q(standing_basis=StandingBasis.MODEL) | Q(standing=Standing.NOT_JUDGED)
    with_unread = ~Q(standing=Standing.MALIGNANT) & Q(has_unread_answer(cases))
    return from_model | with_unread


def when_place_is_hidden(is_hidden: Q) -> Q:
    """Of rows whose standing `is_hidden`, those whose place in an order by risk would tell it, too.

    What people hold for malignant or refer urgently has the first place whatever the model said.
    """
    return is_hidden & Q(standing_rank__gt=FIRST_RANK)


def has_unread_answer(cases: SubmissionQuerySet) -> Exists:
    """Whether any of `cases` is to be read first; for `annotate`."""
    return Exists(cases.filter(IS_READ_FIRST))


def holds_unread_answer(cases: SubmissionQuerySet) -> bool:
    """`has_unread_answer` of one lesion or patient, at once."""
    return cases.filter(IS_READ_FIRST).exists()


def find_unread_answers(cases: SubmissionQuerySet, *, of: str) -> set[uuid.UUID]:
    """`has_unread_answer` of many lesions or patients at once: their ids, from the column `of` of `cases`."""
    return set(cases.filter(IS_READ_FIRST).order_by().values_list(of, flat=True))


# --- Those whose reader is not known ------------------------------------------------------------
def hides_answer_from_anybody(submission: Submission) -> bool:
    """Whether a dermatologist of the case's clinic may not know its answer yet.

    For what leaves without a viewer, as webhooks: the receiver may show it to the one who has yet to read.
    """
    return hides_answer(submission, Role.DERMATOLOGIST)
