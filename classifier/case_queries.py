"""The rules of `case_summary` as SQL, so that lists filter, sort and count by what they show."""

from __future__ import annotations

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from classifier.case_summary import Headline
from classifier.models import Prediction, SubmissionImage
from classifier.models.submission import STATE_CONDITIONS, SubmissionQuerySet, SubmissionState
from classifier.states import PredictionState
from classifier.vocabulary import Outcome, Priority

# What waits is read in this order: a case that nobody judged may be anything.
RISK_RANKS: dict[str, int] = {
    Headline.MALIGNANT: 0,
    Headline.REFER: 1,
    Headline.INCOMPLETE: 2,
    Headline.FAILED: 2,
    Headline.REJECTED: 2,
    Headline.HIDDEN: 3,
    Headline.RUNNING: 4,
    Headline.QUEUED: 4,
    Headline.BENIGN: 5,
    Headline.CANCELLED: 6,
}
STATE_RANKS: dict[SubmissionState, int] = {
    SubmissionState.NO_RESULT: 0,
    SubmissionState.AWAITING_REVIEW: 1,
    SubmissionState.IN_WORK: 2,
    SubmissionState.REVIEWED: 3,
    SubmissionState.CANCELLED: 4,
}


def with_headline(rows: SubmissionQuerySet, *, hides_unread: bool = False) -> SubmissionQuerySet:
    """Annotate `headline`, the same as `summarise(...).headline` gives.

    `hides_unread` is for a dermatologist of a clinic that hides results until they are read.
    """
    steps = [When(condition, then=Value(found.value)) for condition, found in _list_steps(hides_unread)]
    return rows.with_facts().annotate(
        headline=Case(*steps, default=Value(Headline.FAILED.value), output_field=CharField())
    )


def with_risk(rows: SubmissionQuerySet, *, hides_unread: bool = False) -> SubmissionQuerySet:
    """Annotate `risk_rank` (0 first) and `worst_probability`.

    The rank stands on the conditions themselves: asking for the annotation `headline` would
    repeat all of them for each rank, a hundred times slower.
    """
    figures = (
        Prediction.objects.served()
        .judged()
        .filter(image__submission=OuterRef("pk"))
        .order_by("-calibrated_probability")
        .values("calibrated_probability")
    )
    steps = [When(condition, then=Value(RISK_RANKS[found])) for condition, found in _list_steps(hides_unread)]
    return rows.with_facts().annotate(
        risk_rank=Case(*steps, default=Value(RISK_RANKS[Headline.FAILED]), output_field=IntegerField()),
        worst_probability=Coalesce(Subquery(figures[:1]), Value(0.0)),
    )


def _list_steps(hides_unread: bool) -> list[tuple[Q, Headline]]:  # noqa: FBT001 (two callers above)
    """Each condition and the headline that it gives; the first that holds decides."""
    newest = Prediction.objects.served().filter(image=OuterRef("pk")).order_by("-queued_at", "-pk")
    answers = (
        SubmissionImage.objects.filter(submission=OuterRef("pk"))
        .order_by()
        .annotate(
            answer_state=Coalesce(Subquery(newest.values("state")[:1]), Value(PredictionState.FAILED.value)),
            answer_outcome=Coalesce(Subquery(newest.values("outcome")[:1]), Value("")),
        )
    )

    def some(**condition: str) -> Q:
        return Q(Exists(answers.filter(**condition)))

    def all_are(state: PredictionState) -> Q:
        return some(answer_state=state) & ~Q(Exists(answers.exclude(answer_state=state)))

    steps = [
        (Q(cancelled_at__isnull=False), Headline.CANCELLED),
        (some(answer_state=PredictionState.RUNNING), Headline.RUNNING),
        (all_are(PredictionState.QUEUED), Headline.QUEUED),
        (some(answer_state=PredictionState.QUEUED), Headline.RUNNING),
    ]
    if hides_unread:
        unread = Q(is_reviewed=False) & some(answer_state=PredictionState.SUCCEEDED)
        steps.append((unread, Headline.HIDDEN))
    return [
        *steps,
        (some(answer_outcome=Outcome.MALIGNANT), Headline.MALIGNANT),
        (some(answer_outcome=Outcome.REFER), Headline.REFER),
        (all_are(PredictionState.SUCCEEDED), Headline.BENIGN),
        (some(answer_state=PredictionState.SUCCEEDED), Headline.INCOMPLETE),
        (all_are(PredictionState.REJECTED), Headline.REJECTED),
    ]


def order_by_state(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    """What needs somebody first; within a state the newest first."""
    ranks = [When(STATE_CONDITIONS[state], then=Value(rank)) for state, rank in STATE_RANKS.items()]
    return (
        rows.with_facts()
        .annotate(state_rank=Case(*ranks, default=Value(9), output_field=IntegerField()))
        .order_by("state_rank", "-submitted_at", "-pk")
    )


def in_worklist_order(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    """Urgent first, then the most worrying, then who has waited longest.

    The order is the true one even where a clinic hides the figures: a melanoma must not wait
    because nobody has read it yet.
    """
    urgent = Case(When(priority=Priority.URGENT, then=Value(0)), default=Value(1))
    return (
        with_risk(rows)
        .annotate(priority_rank=urgent)
        .order_by("priority_rank", "risk_rank", "-worst_probability", F("submitted_at").asc(), "pk")
    )


def waiting_for_review(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    """Cases that a dermatologist has to look at: with a result, or without hope of one."""
    return rows.with_state(SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)
