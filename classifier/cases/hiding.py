"""Blinding: what a clinic keeps from its dermatologists until a case was read and signed.

The model's answer is hidden from a dermatologist of a clinic that asks for it, from when there is one
until a review is signed. What follows from that answer alone (the standing of a case, a lesion or a
patient on the model's word) is hidden with it. What people said of a case is never hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, Q

from classifier.states import Headline, SubmissionState
from classifier.vocabulary import Standing, StandingBasis
from portal.accounts.roles import Role

if TYPE_CHECKING:
    from classifier.models import Submission
    from classifier.models.standing_columns import StandingColumns
    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import Clinic

FIRST_RANK = 0
"""Rank of what people hold for malignant or refer urgently: no answer of the model comes before it."""
HIDES_ANSWER = Q(state=SubmissionState.AWAITING_REVIEW) & ~Q(model_answer=Headline.NOT_ASKED)
"""Of cases, those whose answer is hidden where a clinic hides it: `hides_answer` in SQL."""
IS_UNDECIDED_FINDING = Q(standing=Standing.INDETERMINATE, standing_basis=StandingBasis.HISTOPATHOLOGY)
"""An inconclusive finding takes the place of a "benign": before a review is signed, of the model's."""
HIDES_STANDING = HIDES_ANSWER & (
    Q(standing_basis__in=[StandingBasis.MODEL, StandingBasis.STATE]) | IS_UNDECIDED_FINDING
)
"""Of cases, those whose standing would give the answer away: `hides_standing` in SQL."""


def is_blinded(clinic: Clinic, role: str | None) -> bool:
    """Whether a person with `role` in `clinic` is to read before seeing the model's answer."""
    return clinic.hide_result_until_read and role == Role.DERMATOLOGIST


def hides_answer(submission: Submission, role: str | None) -> bool:
    """Whether the model's answer of this case is hidden from `role` in its clinic."""
    return (
        is_blinded(submission.clinic, role)
        and submission.state == SubmissionState.AWAITING_REVIEW
        and submission.model_answer != Headline.NOT_ASKED
    )


def hides_standing(submission: Submission, role: str | None) -> bool:
    """Whether what the case is held for would give its hidden answer away."""
    return follows_from_answer(submission) and hides_answer(submission, role)


def follows_from_answer(row: StandingColumns) -> bool:
    """Whether a case that hides its answer would be held for something else with another answer."""
    from_model = row.standing_basis in (StandingBasis.MODEL, StandingBasis.STATE)
    return from_model or _is_undecided_finding(row)


def _is_undecided_finding(row: StandingColumns) -> bool:
    is_finding = row.standing_basis == StandingBasis.HISTOPATHOLOGY
    return is_finding and row.standing == Standing.INDETERMINATE


def hides_worst(row: StandingColumns, clinic: Clinic, role: str | None, *, has_unread: bool = False) -> bool:
    """The same of a lesion or a patient, whose standing is that of the worst of their cases.

    `has_unread` says whether any of their cases hides its answer (`has_unread_answer`). Whatever stands
    above an unread case although a "malignant" of the model would have stood there tells that the model
    didn't say it: people's words are hidden here too, and stand with their own cases, unless they come
    first whatever the model said.
    """
    from_model = row.standing_basis == StandingBasis.MODEL or row.standing == Standing.NOT_JUDGED
    with_unread = has_unread and row.standing_rank > FIRST_RANK
    return (from_model or with_unread) and is_blinded(clinic, role)


def has_unread_answer(cases: SubmissionQuerySet) -> Exists:
    """Whether any of `cases` hides its answer from those who read first; for `annotate`."""
    return Exists(cases.filter(HIDES_ANSWER))


def holds_unread_answer(cases: SubmissionQuerySet) -> bool:
    """`has_unread_answer` of one lesion or patient, at once."""
    return cases.filter(HIDES_ANSWER).exists()


def when_worst_is_hidden(cases: SubmissionQuerySet) -> Q:
    """`hides_worst` in SQL, of lesions or patients of whom `cases` are the cases, by OuterRef."""
    from_model = Q(standing_basis=StandingBasis.MODEL) | Q(standing=Standing.NOT_JUDGED)
    with_unread = Q(standing_rank__gt=FIRST_RANK) & Q(has_unread_answer(cases))
    return from_model | with_unread
