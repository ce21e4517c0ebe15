"""Statistics of one clinic, worked out by the database: counts, medians, agreement."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, OuterRef, Subquery
from django.db.models.functions import TruncWeek
from django.utils import timezone

from classifier.cases.worklist import waiting_for_review
from classifier.domain.states import Headline, PredictionState, SubmissionState
from classifier.domain.vocabulary import Agreement, Standing
from classifier.labels.gates import name_refusal
from classifier.models import Prediction, Review, Submission
from classifier.standing.hiding import HIDES_ANSWER, HIDES_STANDING
from classifier.standing.queries import with_headline
from classifier.standing.reviews import IS_IN_FORCE

if TYPE_CHECKING:
    import uuid

    from classifier.models.submission import SubmissionQuerySet

FEWEST_FOR_A_SHARE = 10
WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Week:
    start: dt.date
    count: int


@dataclass(frozen=True)
class AgreementRow:
    """How often dermatologists agreed with one outcome; `share` None below ten cases."""

    headline: Headline
    agrees: int
    disagrees: int

    @property
    def total(self) -> int:
        return self.agrees + self.disagrees

    @property
    def share(self) -> float | None:
        return self.agrees / self.total if self.total >= FEWEST_FOR_A_SHARE else None


@dataclass(frozen=True)
class ClinicStatistics:
    weeks: list[Week]
    outcomes: list[tuple[Standing, int]]
    hidden: int
    total: int
    waiting: int
    oldest_waiting: dt.datetime | None
    median_to_result: dt.timedelta | None
    median_to_signature: dt.timedelta | None
    agreement: list[AgreementRow]
    refusals: list[tuple[str, int]]


def measure_clinic(clinic_id: uuid.UUID, *, days: int, hides_unread: bool = False) -> ClinicStatistics:
    """Statistics of the cases that came in the last `days` days; what waits is of all time.

    `hides_unread` is for a dermatologist of a clinic that hides results until they are read: cases whose
    standing would give one away are counted apart.
    """
    everything = Submission.objects.filter(clinic_id=clinic_id).order_by()
    since = timezone.now() - dt.timedelta(days=days)
    rows = everything.filter(submitted_at__gte=since)
    told = rows.exclude(HIDES_STANDING) if hides_unread else rows
    by_standing = dict(told.values_list("standing").annotate(count=Count("pk")))
    total = rows.count()
    waiting = waiting_for_review(everything).aggregate(count=Count("pk"), oldest=Min("submitted_at"))
    return ClinicStatistics(
        weeks=_count_weeks(rows, since),
        outcomes=[(standing, by_standing.get(standing.value, 0)) for standing in SHOWN],
        hidden=total - sum(by_standing.values()),
        total=total,
        waiting=waiting["count"],
        oldest_waiting=waiting["oldest"],
        median_to_result=_median(_time_to_result(rows)),
        median_to_signature=_median(_time_to_signature(rows)),
        agreement=_count_agreement(rows),
        refusals=_count_refusals(rows.exclude(HIDES_ANSWER) if hides_unread else rows),
    )


SHOWN = [
    Standing.MALIGNANT,
    Standing.INDETERMINATE,
    Standing.REFER,
    Standing.NOT_JUDGED,
    Standing.BENIGN,
    Standing.IN_WORK,
    Standing.WITHDRAWN,
]


def _count_weeks(rows: SubmissionQuerySet, since: dt.datetime) -> list[Week]:
    """Every week of the period, empty ones too."""
    counted = rows.annotate(week=TruncWeek("submitted_at")).values_list("week").annotate(count=Count("pk"))
    counts = {timezone.localtime(week).date(): count for week, count in counted}
    first = timezone.localtime(since).date()
    monday = first - dt.timedelta(days=first.weekday())
    today = timezone.localdate()
    weeks = []
    while monday <= today:
        weeks.append(Week(monday, counts.get(monday, 0)))
        monday += WEEK
    return weeks


def _time_to_result(rows: SubmissionQuerySet) -> Any:
    """From submit to the last answer, of finished cases that have one."""
    answers = (
        Prediction.objects.served()
        .filter(image__submission=OuterRef("pk"), state=PredictionState.SUCCEEDED)
        .order_by("-finished_at")
        .values("finished_at")
    )
    finished = rows.filter(state__in=[SubmissionState.AWAITING_REVIEW, SubmissionState.REVIEWED])
    took = ExpressionWrapper(Subquery(answers[:1]) - F("submitted_at"), output_field=DurationField())
    # A case of close-ups waits for its reader, and one that failed may be signed, without any answer.
    return finished.annotate(took=took).filter(took__isnull=False)


def _time_to_signature(rows: SubmissionQuerySet) -> Any:
    """From submit to the first signature."""
    first = Review.objects.filter(submission=OuterRef("pk"), amends__isnull=True).values("signed_at")
    return rows.filter(state=SubmissionState.REVIEWED).annotate(
        took=ExpressionWrapper(Subquery(first[:1]) - F("submitted_at"), output_field=DurationField())
    )


def _median(rows: Any) -> dt.timedelta | None:
    """Median of `took`: the middle row, or the mean of the two in the middle."""
    durations = rows.order_by("took").values_list("took", flat=True)
    count = durations.count()
    if count == 0:
        return None
    middle = list(durations[(count - 1) // 2 : count // 2 + 1])
    return sum(middle, dt.timedelta()) / len(middle)


def _count_refusals(rows: SubmissionQuerySet) -> list[tuple[str, int]]:
    """Images that the gates refused, by the words of their first reason, the most frequent first."""
    counted = (
        Prediction.objects.served()
        .filter(image__submission__in=rows, image__submission__cancelled_at__isnull=True)
        .exclude(refusal_code="")
        .order_by()
        .values_list("refusal_code")
        .annotate(count=Count("pk"))
        .values_list("refusal_code", "count")
    )
    return sorted(((name_refusal(code), count) for code, count in counted), key=lambda row: (-row[1], row[0]))


def _count_agreement(rows: SubmissionQuerySet) -> list[AgreementRow]:
    """Of the review in force, by what the model said. “Refer” is left out: there is no answer to agree with."""
    current = Review.objects.filter(IS_IN_FORCE, submission=OuterRef("pk")).values("agreement")
    counted = (
        with_headline(rows)  # type: ignore[misc]  # annotated by the query
        .filter(state=SubmissionState.REVIEWED, headline__in=[Headline.MALIGNANT, Headline.BENIGN])
        .annotate(agreement=Subquery(current[:1]))
        .values_list("headline", "agreement")
        .annotate(count=Count("pk"))
        .values_list("headline", "agreement", "count")
    )
    counts = {(headline, agreement): count for headline, agreement, count in counted}
    return [
        AgreementRow(
            headline,
            counts.get((headline.value, Agreement.AGREES.value), 0),
            counts.get((headline.value, Agreement.DISAGREES.value), 0),
        )
        for headline in (Headline.MALIGNANT, Headline.BENIGN)
    ]
