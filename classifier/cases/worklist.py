"""Worklist: what waits for a dermatologist, in an order in which nothing waits for ever.

Urgent cases come first; then those that have waited longer than their clinic's target, the longest
first; then the others by risk, and of equal risk whoever waits longest. So a benign answer waits at most
the target (in working days: weekends don't count) before it comes before every newer malignant one. What
has waited six weeks comes before urgent cases, too: no stream of those may hold a case back for ever.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Case, Exists, F, FloatField, IntegerField, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from classifier.cases.targets import working_days_before
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import Priority
from classifier.models import ReadingClaim, Submission
from portal.trust.accounts.models import Clinic, Membership
from portal.trust.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import User

LONGEST_DAYS = 30
"""Working days after which a case comes before urgent ones: six weeks."""


class Place(NamedTuple):
    """Where a case stands in the worklist, in the order of these; each ascends."""

    turn: int
    risk: int
    doubt: float
    submitted_at: dt.datetime
    pk: Any


# --- Too long -----------------------------------------------------------------------------------
def is_overdue(submission: Submission, *, now: dt.datetime | None = None) -> bool:
    """Whether a waiting case has waited longer than its clinic's target; `waits_too_long` in SQL."""
    target = submission.clinic.reading_target_days
    return submission.submitted_at <= working_days_before(now or timezone.now(), target)


def waits_too_long(targets: Iterable[tuple[Any, int]], now: dt.datetime) -> Q:
    """Of cases of these clinics, each with its target in working days, those past it."""
    by_target: dict[int, list[Any]] = {}
    for clinic_id, days in targets:
        by_target.setdefault(days, []).append(clinic_id)
    late = Q(pk__in=[])
    for days, clinic_ids in by_target.items():
        late |= Q(clinic_id__in=clinic_ids, submitted_at__lte=working_days_before(now, days))
    return late


# --- The order ----------------------------------------------------------------------------------
def waiting_for_review(rows: SubmissionQuerySet) -> SubmissionQuerySet:
    """Cases that a dermatologist has to look at: with a result, or without hope of one."""
    return rows.with_state(SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)


def in_worklist_order(
    rows: SubmissionQuerySet,
    *,
    now: dt.datetime | None = None,
    targets: Iterable[tuple[Any, int]] | None = None,
) -> SubmissionQuerySet:
    """Sort waiting cases by the rule of this module, with the place of each annotated.

    rows: of any clinics. targets: (clinic id, working days) of these; read from the database by default.
    The order is the true one even where a clinic hides the figures: a melanoma must not wait because
    nobody has read it yet.
    """
    now = now or timezone.now()
    if targets is None:
        targets = Clinic.objects.values_list("pk", "reading_target_days")
    late = waits_too_long(targets, now)
    longest = Q(submitted_at__lte=working_days_before(now, LONGEST_DAYS))
    urgent = Q(priority=Priority.URGENT)
    return rows.annotate(
        turn=Case(
            When(longest, then=Value(0)),
            When(urgent & late, then=Value(1)),
            When(urgent, then=Value(2)),
            When(late, then=Value(3)),
            default=Value(4),
            output_field=IntegerField(),
        ),
        # Among those that have waited too long only the time counts.
        risk=Case(
            When(longest | late, then=Value(0)), default=F("standing_rank"), output_field=IntegerField()
        ),
        doubt=Case(
            When(longest | late, then=Value(0.0)),
            default=Value(0.0) - Coalesce(F("model_probability"), Value(-1.0)),
            output_field=FloatField(),
        ),
    ).order_by(*Place._fields)


def list_waiting(user: User) -> SubmissionQuerySet:
    """What waits in the clinics where `user` reviews, in the order of this module."""
    reviewing = Membership.objects.held_by(user).filter(role__in=ROLES_ALLOWED[Action.REVIEW])
    # Two steps: the planners of both databases do better with a few ids than with one more subquery.
    targets = list(reviewing.order_by().values_list("clinic_id", "clinic__reading_target_days"))
    rows = Submission.objects.visible_to(user).filter(clinic_id__in=[clinic for clinic, _ in targets])
    return in_worklist_order(waiting_for_review(rows), targets=targets)


def free_for(rows: SubmissionQuerySet, user: User) -> SubmissionQuerySet:
    """Cases that nobody but `user` has open to read."""
    claims = ReadingClaim.objects.filter(submission=OuterRef("pk"), until__gt=timezone.now())
    return rows.filter(~Exists(claims.exclude(reader=user)))


def find_next(user: User, submission: Submission) -> tuple[Submission | None, int]:
    """The case to read after this one, and how many wait besides it.

    The one that follows it in the worklist; from the end, or from outside, the first. So a case that is
    left for later does not come back at once. Cases that somebody else is reading are passed over.
    """
    waiting = list_waiting(user)
    others = waiting.exclude(pk=submission.pk)
    free = free_for(others, user)
    here = waiting.filter(pk=submission.pk).values_list(*Place._fields).first()
    following = free.filter(_after(Place(*here))).first() if here else None
    return following or free.first(), others.order_by().count()


def _after(place: Place) -> Q:
    """Rows that come later: (a, b, …) > (x, y, …), written out, as both databases can read it."""
    later, same = Q(pk__in=[]), Q()
    for name, value in place._asdict().items():
        later |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return later


def describe_order(clinics: Iterable[Clinic]) -> str:
    """The rule in one sentence, with the target of the clinics that a reader serves."""
    targets = {clinic.reading_target_days for clinic in clinics}
    if len(targets) == 1:
        [days] = targets
        target = "one working day" if days == 1 else f"{days} working days"
    else:
        target = "their clinic's target"
    return (
        f"urgent first; then what has waited longer than {target}, the longest first; then by risk, and of "
        "equal risk whoever waits longest. After six weeks a case comes before urgent ones, too."
    )
