"""What needs a person: news they have not opened, cases without a result, reviews that wait."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db.models import Case, Exists, Max, OuterRef, Value, When
from django.utils import timezone

from classifier.case_rows import CaseRow, build_rows, find_current_review, load_cases
from classifier.models import Submission
from classifier.states import Headline, SubmissionState
from classifier.vocabulary import Management, Priority
from portal.accounts.roles import ROLES_ALLOWED, Action
from portal.audit.models import AuditEvent

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import Clinic, User

LOOKED_BACK = dt.timedelta(days=60)
LOOKED_AT = 60
SHOWN = 10
WORRY = {Headline.MALIGNANT: 0, Headline.REFER: 1}
"""What is read first among the news; the rest after it."""
WITHOUT_ANSWER = {Headline.FAILED, Headline.REJECTED, Headline.INCOMPLETE}


@dataclass(frozen=True)
class Inbox:
    """Rows of the three columns of the home page."""

    needs: list[CaseRow]
    needs_more: int
    reviews_waiting: int
    in_work: list[CaseRow]
    in_work_count: int
    recent: list[CaseRow]


def build_inbox(*, user: User, clinic: Clinic, role: str) -> Inbox:
    """Everything of the home page of `user` in `clinic`, in a fixed number of queries."""
    cases = Submission.objects.visible_to(user).filter(clinic=clinic)
    needs: list[CaseRow] = []
    if role in ROLES_ALLOWED[Action.SUBMIT]:
        needs += _find_news(user, cases, role)
        needs += _find_unanswered(cases, role)
    waiting, count = _find_reviews(user, cases, role)
    needs = _drop_doubles([*needs, *waiting])
    work = cases.with_state(SubmissionState.IN_WORK)
    in_work = build_rows(load_cases(work.order_by("submitted_at", "id"))[:SHOWN], role=role)
    shown = [row.submission.pk for row in [*needs[:SHOWN], *in_work]]
    recent = load_cases(cases.exclude(pk__in=shown).exclude(pk__in=work.values("pk")))
    return Inbox(
        needs=needs[:SHOWN],
        needs_more=max(len(needs) - SHOWN, 0),
        reviews_waiting=count,
        in_work=in_work,
        in_work_count=len(in_work) if len(in_work) < SHOWN else work.count(),
        recent=build_rows(recent[:SHOWN], role=role),
    )


def _find_news(user: User, cases: SubmissionQuerySet, role: str) -> list[CaseRow]:
    """Own cases with something the person has not seen or was asked to do: worst first, then newest."""
    mine = cases.awaited_by(user).filter(cancelled_at=None, submitted_at__gte=timezone.now() - LOOKED_BACK)
    rows = build_rows(load_cases(_with_successor(mine))[:LOOKED_AT], role=role)
    opened = find_opened(user, (row.submission.pk for row in rows))
    found = ((row, _say_news(row, opened.get(str(row.submission.pk)))) for row in rows)
    news = [replace(row, note=note) for row, note in found if note]
    return sorted(news, key=lambda row: WORRY.get(row.summary.headline, len(WORRY)))


def _say_news(row: CaseRow, opened: dt.datetime | None) -> str:
    review = find_current_review(row.submission)
    if row.summary.is_in_work:
        return ""
    if review and review.management == Management.NEW_IMAGE and not row.submission.has_successor:
        return "A new image is asked for"
    finished = [a.prediction.finished_at for a in row.summary.answers if a.prediction]
    news = max((at for at in [*finished, review and review.signed_at] if at), default=None)
    if news is None or (opened is not None and opened >= news):
        return ""
    if review:
        return f"Signed: {review.get_management_display().lower()}"
    if row.summary.refused:
        return "Take a new image"
    return "" if row.summary.headline in WITHOUT_ANSWER else "Result back"


def _find_unanswered(cases: SubmissionQuerySet, role: str) -> list[CaseRow]:
    """Cases of anyone in the clinic that ended without a result: nobody's case gets lost."""
    lost = _with_successor(cases.with_state(SubmissionState.NO_RESULT)).filter(has_successor=False)
    rows = build_rows(load_cases(lost)[: SHOWN + 1], role=role)
    return [replace(row, note=_say_trouble(row)) for row in rows]


def _say_trouble(row: CaseRow) -> str:
    return "Take a new image" if row.summary.headline == Headline.REJECTED else "No result: try again"


def _find_reviews(user: User, cases: SubmissionQuerySet, role: str) -> tuple[list[CaseRow], int]:
    if role not in ROLES_ALLOWED[Action.REVIEW]:
        return [], 0
    waiting = cases.with_state(SubmissionState.AWAITING_REVIEW)
    # What was handed to this person; "urgent" sorts after "routine"; then whoever waited longest.
    handed = Case(When(reader=user, then=Value(0)), default=Value(1))
    first = load_cases(waiting.order_by(handed, "-priority", "submitted_at", "id"))[:SHOWN]
    rows = [replace(row, note=_say_review(user, row)) for row in build_rows(first, role=role)]
    return rows, len(rows) if len(rows) < SHOWN else waiting.count()


def _say_review(user: User, row: CaseRow) -> str:
    words = "Urgent review" if row.submission.priority == Priority.URGENT else "Review waits"
    return f"{words}, handed to you" if row.submission.reader_id == user.pk else words


def _with_successor(cases: SubmissionQuerySet) -> SubmissionQuerySet:
    """Annotate whether the same lesion was submitted again later."""
    later = Submission.objects.filter(
        lesion=OuterRef("lesion"), submitted_at__gt=OuterRef("submitted_at"), cancelled_at=None
    )
    return cases.annotate(has_successor=Exists(later))


def _drop_doubles(rows: list[CaseRow]) -> list[CaseRow]:
    first: dict[uuid.UUID, CaseRow] = {}
    for row in rows:
        first.setdefault(row.submission.pk, row)
    return list(first.values())


def find_opened(user: User, submission_ids: Iterable[uuid.UUID]) -> dict[str, dt.datetime]:
    """When `user` last opened each case, by the id's text, from the audit trail."""
    events = AuditEvent.objects.filter(
        object_type="classifier.submission",
        object_id__in=[str(pk) for pk in submission_ids],
        actor=user,
        action="submission.viewed",
    )
    return dict(
        events.order_by()
        .values("object_id")
        .annotate(last=Max("occurred_at"))
        .values_list("object_id", "last")
    )
