"""List queries: orders and filters of cases, over the columns that `classifier.standing.columns` keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, CharField, F, IntegerField, Value, When

from classifier.domain.states import Headline, SubmissionState
from classifier.domain.vocabulary import Standing
from classifier.standing.hiding import HIDES_STANDING, IS_READ_FIRST

if TYPE_CHECKING:
    from classifier.models.submission import SubmissionQuerySet

STATE_RANKS: dict[SubmissionState, int] = {
    SubmissionState.NO_RESULT: 0,
    SubmissionState.AWAITING_REVIEW: 1,
    SubmissionState.IN_WORK: 2,
    SubmissionState.REVIEWED: 3,
    SubmissionState.CANCELLED: 4,
}
HIDDEN_RANK = 4
"""A standing that a reader may not know yet sorts among those that nobody judged."""


def with_headline(rows: SubmissionQuerySet, *, hides_unread: bool = False) -> SubmissionQuerySet:
    """Annotate `headline`, the same as `summarise(...).headline` gives, but for queued against running.

    `hides_unread` is for a dermatologist of a clinic that hides results until they are read.
    """
    steps = [When(state=SubmissionState.CANCELLED, then=Value(Headline.CANCELLED.value))]
    if hides_unread:
        steps.append(When(IS_READ_FIRST, then=Value(Headline.HIDDEN.value)))
    return rows.annotate(headline=Case(*steps, default=F("model_answer"), output_field=CharField()))


def with_standing(
    rows: SubmissionQuerySet, standing: Standing, *, hides_unread: bool = False
) -> SubmissionQuerySet:
    """Cases that are held for `standing`, but for those of which the viewer may not know it yet."""
    held = rows.filter(standing=standing)
    return held.exclude(HIDES_STANDING) if hides_unread else held


def with_risk(rows: SubmissionQuerySet, *, hides_unread: bool = False) -> SubmissionQuerySet:
    """Annotate `risk_rank`, 0 first: the rank of the standing, as far as it may be known."""
    if not hides_unread:
        return rows.annotate(risk_rank=F("standing_rank"))
    hidden = When(HIDES_STANDING, then=Value(HIDDEN_RANK))
    return rows.annotate(risk_rank=Case(hidden, default=F("standing_rank"), output_field=IntegerField()))


def order_by_state(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    """What needs somebody first; within a state the newest first."""
    ranks = [When(state=state, then=Value(rank)) for state, rank in STATE_RANKS.items()]
    return rows.annotate(state_rank=Case(*ranks, default=Value(9), output_field=IntegerField())).order_by(
        "state_rank", "-submitted_at", "-pk"
    )
