"""The claim on a case that is being read: renewed by its page, released, taken over."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from classifier.case_rows import find_current_review
from classifier.cases.claims import ClaimedError, claim_case, find_claim, release_claim, renew_claim
from classifier.models import Submission
from classifier.states import SubmissionState
from classifier.views.access import get_visible, page
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.accounts.session_limits import background

if TYPE_CHECKING:
    import uuid

    from classifier.models import ReadingClaim, Review
    from portal.accounts.requests import PortalRequest

PLACES = {"submission-review", "submission-amend"}


@background
@page()
@require_http_methods(["GET", "HEAD", "POST"])
def submission_claim(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the open page asks how its claim stands, which renews it. POST: `step` release or takeover."""
    rows = Submission.objects.select_related("clinic", "cancelled_by").prefetch_related("reviews__signed_by")
    submission: Submission = get_visible(rows, request, pk)
    require(request.user, submission.clinic_id, Action.REVIEW)
    if request.method != "POST":
        return _tell(request, submission)
    user = request.user
    if request.POST.get("step") == "takeover":
        if submission.cancelled_at is None:
            claim_case(actor=user, submission=submission, takeover=True)
        back = request.POST.get("back", "")
        return redirect(back if back in PLACES else "submission-review", pk=pk)
    release_claim(actor=user, submission=submission, claimed_at=_read_moment(request))
    if request.POST.get("quiet") == "yes":
        # The page that sent it is gone.
        return HttpResponse(status=204)
    messages.success(request, "Released. Others can read the case now.")
    return redirect("worklist")


def _tell(request: PortalRequest, submission: Submission) -> HttpResponse:
    """How things stand, for a page that shows the review `?review=` or none.

    Of a case that was signed or withdrawn meanwhile nothing is left to read: that is said once, and
    nobody claims it again. One that goes back to the model is claimed on: it comes back.
    """
    user = request.user
    newer = _find_newer(submission, request.GET.get("review", ""))
    context: dict[str, Any] = {"submission": submission, "newer": newer}
    context["is_withdrawn"] = submission.state == SubmissionState.CANCELLED
    context["is_in_work"] = submission.state == SubmissionState.IN_WORK
    if newer is None and not context["is_withdrawn"]:
        context |= {"claim": _renew(user, submission), "review": request.GET.get("review", "")}
    return render(request, "classifier/review/claim.html", context)


def _renew(user: Any, submission: Submission) -> ReadingClaim | None:
    if renew_claim(actor=user, submission=submission):
        return find_claim(submission)
    try:
        return claim_case(actor=user, submission=submission)
    except ClaimedError as error:
        return error.claim


def _find_newer(submission: Submission, known: str) -> Review | None:
    """What was signed since the page was drawn."""
    current = find_current_review(submission)
    return current if current and str(current.pk) != known else None


def _read_moment(request: PortalRequest) -> dt.datetime | None:
    given = request.POST.get("claimed_at")
    if given is None:
        return None
    try:
        moment = parse_datetime(given)
    except ValueError:
        moment = None
    # What can't be read is no claim's moment.
    return moment if moment and timezone.is_aware(moment) else dt.datetime.min.replace(tzinfo=dt.UTC)
