"""What the page of a case shows of its order: what was asked, until when, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from classifier.cases.follow_up import is_followed, is_order_overdue
from classifier.cases.standing import find_order
from classifier.states import SubmissionState

if TYPE_CHECKING:
    import datetime as dt

    from classifier.models import Acknowledgement, Review, Submission


@dataclass(frozen=True)
class OrderPanel:
    """The order in force with its acknowledgement; `is_unfollowed` where nobody sees to the case."""

    ordered: Review | None
    done: Acknowledgement | None
    due_at: dt.datetime | None
    is_overdue: bool
    is_unfollowed: bool

    @property
    def done_day(self) -> dt.date | None:
        """When it was done; where nobody said so, when it was written down."""
        if self.done is None:
            return None
        return self.done.done_on or timezone.localdate(self.done.acknowledged_at)


def find_order_panel(submission: Submission) -> OrderPanel:
    """Three queries, whatever the case."""
    reviews = list(
        submission.reviews.select_related("signed_by")
        .prefetch_related("acknowledgements__acknowledged_by")
        .order_by("signed_at")
    )
    order = find_order(reviews) if submission.state == SubmissionState.REVIEWED else None
    is_over = submission.state == SubmissionState.CANCELLED
    return OrderPanel(
        ordered=order.ordered if order else None,
        done=order.acknowledgement if order else None,
        due_at=submission.order_due_at,
        is_overdue=is_order_overdue(submission, timezone.now()),
        is_unfollowed=not is_over and not is_followed(submission),
    )
