"""What waits for a dermatologist, in the order in which it is best read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.case_queries import in_worklist_order, waiting_for_review
from classifier.case_summary import summarise, summary_prefetches
from classifier.models import Submission
from classifier.services.access import record_listed
from classifier.views.access import page
from portal.accounts.models import Membership
from portal.accounts.roles import ROLES_ALLOWED, Action, Role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import User

PAGE_SIZE = 25


@page(Action.REVIEW)
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    """Cases of every clinic in which this person reviews, as one list."""
    served = [m for m in request.memberships if m.role in ROLES_ALLOWED[Action.REVIEW]]  # type: ignore[attr-defined]
    roles = {membership.clinic_id: membership.role for membership in served}
    with transaction.atomic():
        rows = (
            list_waiting(request.user)  # type: ignore[arg-type]
            .select_related("clinic", "lesion__patient", "submitted_by")
            .prefetch_related(*summary_prefetches())
        )
        page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        cases = [
            (submission, summarise(submission, role=roles.get(submission.clinic_id, Role.DERMATOLOGIST)))
            for submission in page_obj
        ]
        shown = Counter(submission.clinic_id for submission, _ in cases)
        for clinic_id in sorted(roles, key=str):
            record_listed(
                actor=request.user,  # type: ignore[arg-type]
                clinic_id=clinic_id,
                what="worklist",
                details={"page": page_obj.number, "count": shown[clinic_id]},
            )
    context = {
        "cases": cases,
        "page_obj": page_obj,
        "urgent": sum(1 for submission, _ in cases if submission.priority == "urgent"),
        "served": [membership.clinic for membership in served],
        "hides": any(membership.clinic.hide_result_until_read for membership in served),
    }
    return render(request, "classifier/worklist/list.html", context)


def list_waiting(user: User) -> SubmissionQuerySet:
    """What waits in the clinics where `user` reviews, in the order in which it is best read."""
    reviewing = Membership.objects.held_by(user).filter(role__in=ROLES_ALLOWED[Action.REVIEW])
    # Two steps: the planners of both databases do better with a few ids than with one more subquery.
    clinics = list(reviewing.order_by().values_list("clinic_id", flat=True))
    rows = Submission.objects.visible_to(user).filter(clinic_id__in=clinics)
    return in_worklist_order(waiting_for_review(rows))


def find_next(user: User, submission: Submission) -> tuple[Submission | None, int]:
    """The case to read after this one, and how many wait besides it.

    The one that follows it in the worklist; from the end, or from outside, the first. So a case
    that is left for later does not come back at once.
    """
    keys = list(list_waiting(user).values_list("pk", flat=True))
    others = [key for key in keys if key != submission.pk]
    if not others:
        return None, 0
    here = keys.index(submission.pk) if submission.pk in keys else -1
    following = keys[here + 1] if 0 <= here < len(keys) - 1 else others[0]
    return Submission.objects.get(pk=following), len(others)
