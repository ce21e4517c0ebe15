"""What waits for a dermatologist, in the order in which it is best read."""

from __future__ import annotations

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
from portal.accounts.roles import Action

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import Clinic, User

PAGE_SIZE = 25


@page(Action.REVIEW)
@require_safe
def worklist(request: HttpRequest) -> HttpResponse:
    clinic: Clinic = request.clinic  # type: ignore[attr-defined]
    role = request.membership.role  # type: ignore[attr-defined]
    with transaction.atomic():
        rows = (
            list_waiting(request.user, clinic.pk)  # type: ignore[arg-type]
            .select_related("clinic", "lesion__patient", "submitted_by")
            .prefetch_related(*summary_prefetches())
        )
        page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        cases = [(submission, summarise(submission, role=role)) for submission in page_obj]
        record_listed(
            actor=request.user,  # type: ignore[arg-type]
            clinic_id=clinic.pk,
            what="worklist",
            details={"page": page_obj.number, "count": len(cases)},
        )
    urgent = sum(1 for submission, _ in cases if submission.priority == "urgent")
    context = {"cases": cases, "page_obj": page_obj, "urgent": urgent}
    return render(request, "classifier/worklist/list.html", context)


def list_waiting(user: User, clinic_id: uuid.UUID) -> SubmissionQuerySet:
    rows = Submission.objects.visible_to(user).filter(clinic_id=clinic_id)
    return in_worklist_order(waiting_for_review(rows))


def find_next(user: User, submission: Submission) -> tuple[Submission | None, int]:
    """The case to read after this one, and how many wait besides it.

    The one that follows it in the worklist; from the end, or from outside, the first. So a case
    that is left for later does not come back at once.
    """
    keys = list(list_waiting(user, submission.clinic_id).values_list("pk", flat=True))
    others = [key for key in keys if key != submission.pk]
    if not others:
        return None, 0
    here = keys.index(submission.pk) if submission.pk in keys else -1
    following = keys[here + 1] if 0 <= here < len(keys) - 1 else others[0]
    return Submission.objects.get(pk=following), len(others)
