"""Inbox: what waits for a person in a clinic: unread news, open orders, readings, lost cases.

Nothing leaves the list by age or by number: a result stays until who follows it up opened it, an order
until it is acknowledged. The list shows the first; the rest stands behind it, counted, on the page of
submissions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import formats, timezone

from classifier.cases.follow_up import (
    is_order_overdue,
    is_unread_overdue,
    overdue_orders,
    overdue_unread,
    unfollowed,
)
from classifier.cases.rows import CaseRow, build_rows, load_cases
from classifier.domain.states import Headline, SubmissionState
from classifier.domain.vocabulary import Management, Priority, StandingBasis
from classifier.models import Submission
from classifier.standing.hiding import is_blinded, is_read_first
from classifier.standing.queries import with_risk
from classifier.standing.reviews import find_review_in_force
from portal.trust.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import Clinic, User

SHOWN = 10
MOST_WORRYING = 1
"""Ranks of what is malignant on anybody's word, and of an urgent cancer referral."""
WAITING = Q(is_unread=True) | Q(order_due_at__isnull=False)
"""What stays in sight until somebody opened it and did what was ordered."""


@dataclass(frozen=True)
class Counts:
    """How much of each kind waits, shown or not."""

    unread: int = 0
    orders: int = 0
    unfollowed: int = 0
    lost: int = 0
    reviews: int = 0
    overdue_orders: int = 0
    overdue_unread: int = 0


@dataclass(frozen=True)
class Inbox:
    """Rows of the three columns of the home page. The overdue are the clinic's, for administrators."""

    needs: list[CaseRow]
    needs_count: int
    counts: Counts
    in_work: list[CaseRow]
    in_work_count: int
    recent: list[CaseRow]

    @property
    def needs_more(self) -> int:
        return max(self.needs_count - len(self.needs), 0)

    @property
    def is_overdue(self) -> bool:
        """Whether administrators are to be told."""
        return bool(self.counts.overdue_orders or self.counts.overdue_unread)


def build_inbox(*, user: User, clinic: Clinic, role: str) -> Inbox:
    """Everything of the home page of `user` in `clinic`, in a fixed number of queries."""
    cases = Submission.objects.visible_to(user).filter(clinic=clinic)
    reader = _Reader(user, clinic, role)
    found = reader.list_kinds(cases)
    rows = reader.load_first(found)
    work = cases.with_state(SubmissionState.IN_WORK)
    in_work = build_rows(load_cases(work.order_by("submitted_at", "id"))[:SHOWN], role=role)
    shown = [row.submission.pk for row in [*rows, *in_work]]
    recent = load_cases(cases.exclude(pk__in=shown).exclude(state=SubmissionState.IN_WORK))
    return Inbox(
        needs=rows,
        needs_count=reader.count_all(cases, found, len(rows)),
        counts=reader.count(cases, found),
        in_work=in_work,
        in_work_count=len(in_work) if len(in_work) < SHOWN else work.count(),
        recent=build_rows(recent[:SHOWN], role=role),
    )


class _Reader:
    """Somebody who looks at their home page, and what they may know there."""

    def __init__(self, user: User, clinic: Clinic, role: str) -> None:
        self.user, self.clinic, self.role = user, clinic, role
        self.now = timezone.now()
        self.is_late = overdue_orders(self.now) | overdue_unread(clinic, self.now)

    def list_kinds(self, cases: SubmissionQuerySet) -> dict[str, SubmissionQuerySet]:
        """What waits for this person, by kind; the first of two says why a case is there."""
        kinds = {}
        if self.role in ROLES_ALLOWED[Action.ADMINISTER]:
            kinds["overdue"] = cases.filter(self.is_late)
        if self.role in ROLES_ALLOWED[Action.SUBMIT]:
            kinds["own"] = cases.awaited_by(self.user).filter(WAITING)
            kinds["unfollowed"] = cases.filter(WAITING, unfollowed(self.clinic.pk))
            kinds["lost"] = _without_successor(cases.with_state(SubmissionState.NO_RESULT))
        if self.role in ROLES_ALLOWED[Action.REVIEW]:
            kinds["reviews"] = cases.with_state(SubmissionState.AWAITING_REVIEW)
        return kinds

    def load_first(self, kinds: dict[str, SubmissionQuerySet]) -> list[CaseRow]:
        """The first rows of all kinds together, each with why it is there.

        Each kind is asked for its own first, so that the database can use the index of that kind; the
        first of the whole are among them.
        """
        first: dict[uuid.UUID, tuple[tuple[Any, ...], str]] = {}
        for kind, rows in kinds.items():
            ordered = self._in_order(rows, may_be_late=kind not in ("lost", "reviews"))
            for pk, *place in ordered.values_list("pk", *ORDER)[:SHOWN]:
                first.setdefault(pk, ((*place, pk), kind))
        chosen = sorted(first, key=lambda pk: first[pk][0])[:SHOWN]
        loaded = {case.pk: case for case in load_cases(Submission.objects.filter(pk__in=chosen))}
        found = build_rows([loaded[pk] for pk in chosen if pk in loaded], role=self.role)
        return [replace(row, note=self._format_note(first[row.submission.pk][1], row)) for row in found]

    def _in_order(self, rows: SubmissionQuerySet, *, may_be_late: bool) -> SubmissionQuerySet:
        """Overdue orders, what is malignant, overdue results, the rest; in each the most worrying first.

        So a benign result rises with the time, and never above a malignant one or an urgent referral,
        however new. What a reader may not know yet has one rank whatever it is, so that its place tells nothing.
        """
        steps = [
            When(overdue_orders(self.now), then=Value(0)),
            When(risk_rank__lte=MOST_WORRYING, then=Value(1)),
            When(self.is_late, then=Value(2)),
        ]
        return (
            with_risk(rows, hides_unread=is_blinded(self.clinic, self.role))
            .annotate(
                turn=Case(*(steps if may_be_late else steps[1:2]), default=Value(3)),
                handed=Case(When(reader=self.user, then=Value(0)), default=Value(1)),
                urgency=Case(When(priority=Priority.URGENT, then=Value(0)), default=Value(1)),
                waits_since=Coalesce("news_at", "submitted_at"),
            )
            .order_by(*ORDER, "pk")
        )

    def count(self, cases: SubmissionQuerySet, kinds: dict[str, SubmissionQuerySet]) -> Counts:
        own = kinds.get("own")
        if own is None:
            if "overdue" not in kinds:
                return Counts()
            return Counts(
                overdue_orders=cases.filter(overdue_orders(self.now)).count(),
                overdue_unread=cases.filter(overdue_unread(self.clinic, self.now)).count(),
            )
        return Counts(
            unread=own.filter(is_unread=True).count(),
            orders=own.with_open_order().count(),
            unfollowed=kinds["unfollowed"].count(),
            lost=kinds["lost"].count(),
            reviews=kinds["reviews"].count() if "reviews" in kinds else 0,
        )

    def count_all(self, cases: SubmissionQuerySet, kinds: dict[str, SubmissionQuerySet], shown: int) -> int:
        """How many cases wait, each counted once."""
        if shown < SHOWN:
            return shown
        either = Q(pk__in=[])
        for rows in kinds.values():
            either |= Q(pk__in=rows.order_by().values("pk"))
        return cases.filter(either).count()

    # --- Why it is there ---------------------------------------------------------------------------
    def _format_note(self, kind: str, row: CaseRow) -> str:
        case = row.submission
        if kind == "reviews" or is_read_first(case, self.role):
            return self._format_review(case)
        if kind == "lost":
            return _format_trouble(row)
        words = self._format_waiting(row)
        if kind == "overdue":
            return f"{words}. Followed up by {case.responsible or case.submitted_by}"
        return f"Nobody follows this up. {words}" if kind == "unfollowed" else words

    def _format_review(self, case: Submission) -> str:
        words = "Urgent review" if case.priority == Priority.URGENT else "Waits for review"
        return f"{words}, handed to you" if case.reader_id == self.user.pk else words

    def _format_waiting(self, row: CaseRow) -> str:
        case = row.submission
        if case.order_due_at is not None:
            order = (
                "A new image is asked for"
                if case.management == Management.NEW_IMAGE
                else f"Signed: {case.get_management_display().lower()}"
            )
            day = name_day(case.order_due_at)
            due = "overdue since" if is_order_overdue(case, self.now) else "by"
            # An open order hides no finding that nobody has opened.
            is_proven = case.is_unread and case.standing_basis == StandingBasis.HISTOPATHOLOGY
            return f"{'Histopathology came back. ' if is_proven else ''}{order}, {due} {day}"
        words = _format_news(row)
        if is_unread_overdue(case, self.now) and case.news_at is not None:
            return f"{words}, not opened since {name_day(case.news_at)}"
        return words


ORDER = ("turn", "risk_rank", "handed", "urgency", "waits_since")


def _format_news(row: CaseRow) -> str:
    case = row.submission
    if case.state == SubmissionState.CANCELLED:
        return "Withdrawn"
    if case.standing_basis == StandingBasis.HISTOPATHOLOGY:
        return "Histopathology came back"
    if review := find_review_in_force(case.reviews.all()):
        return f"Signed: {review.get_management_display().lower()}"
    if row.summary.refused:
        return "Take a new image"
    return _format_trouble(row) if case.state == SubmissionState.NO_RESULT else "Result back"


def _format_trouble(row: CaseRow) -> str:
    return "Take a new image" if row.summary.headline == Headline.REJECTED else "No result: try again"


def name_day(moment: dt.datetime) -> str:
    """A day as people say it: "3 March", with its year where that is another."""
    local = timezone.localtime(moment)
    pattern = "j F" if local.year == timezone.localdate().year else "j F Y"
    return formats.date_format(local, pattern)


def _without_successor(cases: SubmissionQuerySet) -> SubmissionQuerySet:
    """Those whose lesion was not submitted again later."""
    later = Submission.objects.filter(
        lesion=OuterRef("lesion"), submitted_at__gt=OuterRef("submitted_at"), cancelled_at=None
    )
    return cases.filter(~Exists(later))
