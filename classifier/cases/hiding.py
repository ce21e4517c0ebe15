"""Blinding: what a clinic keeps from its dermatologists until a case was read and signed.

The model's answer is hidden from a dermatologist of a clinic that asks for it, from when there is one
until a review is signed. What follows from that answer alone (the standing of a case, a lesion or a
patient on the model's word) is hidden with it; what people said is never hidden.
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

HIDES_ANSWER = Q(state=SubmissionState.AWAITING_REVIEW) & ~Q(model_answer=Headline.NOT_ASKED)
"""Of cases, those whose answer is hidden where a clinic hides it: `hides_answer` in SQL."""
HIDES_STANDING = HIDES_ANSWER & Q(standing_basis__in=[StandingBasis.MODEL, StandingBasis.STATE])
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
    from_model = submission.standing_basis in (StandingBasis.MODEL, StandingBasis.STATE)
    return from_model and hides_answer(submission, role)


def hides_worst(row: StandingColumns, clinic: Clinic, role: str | None, *, has_unread: bool = False) -> bool:
    """The same of a lesion or a patient, whose standing is that of one of their cases.

    `has_unread` says whether any of their cases hides its answer (`has_unread_answer`): "In work" above
    an unread case would tell that it is benign, which alone worries less.
    """
    from_model = row.standing_basis == StandingBasis.MODEL or row.standing == Standing.NOT_JUDGED
    from_state = row.standing_basis == StandingBasis.STATE and has_unread
    return (from_model or from_state) and is_blinded(clinic, role)


def has_unread_answer(cases: SubmissionQuerySet) -> Exists:
    """Whether any of `cases` hides its answer from those who read first; for `annotate`."""
    return Exists(cases.filter(HIDES_ANSWER))


def holds_unread_answer(cases: SubmissionQuerySet) -> bool:
    """`has_unread_answer` of one lesion or patient, at once."""
    return cases.filter(HIDES_ANSWER).exists()


def when_worst_is_hidden(cases: SubmissionQuerySet) -> Q:
    """`hides_worst` in SQL, of lesions or patients of whom `cases` are the cases, by OuterRef."""
    from_model = Q(standing_basis=StandingBasis.MODEL) | Q(standing=Standing.NOT_JUDGED)
    return from_model | (Q(standing_basis=StandingBasis.STATE) & Q(has_unread_answer(cases)))
