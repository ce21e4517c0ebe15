"""Withdraw a case, try it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.answers import count_images
from classifier.cases.hiding import hides_standing
from classifier.cases.withdrawal import NEEDS_READER, weigh_withdrawal
from classifier.forms.order import WithdrawForm
from classifier.labels.standing import label_case
from classifier.models import Submission
from classifier.services.access import record_viewed
from classifier.services.errors import InvalidInputError, ServiceError
from classifier.services.submissions import cancel_submission, retry_submission
from classifier.states import SubmissionState
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def submission_cancel(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what the result is and ask (GET); withdraw (POST)."""
    submission = _find(request, pk)
    rights = rights_in(request, submission.clinic_id)
    require_right(rights.cancel, "Your role can't withdraw cases.")
    rule = weigh_withdrawal(submission, role=rights.role)
    form = WithdrawForm(request.POST if request.method == "POST" else None, needs_reason=rule.needs_reason)
    trouble = ""
    if request.method == "POST" and form.is_valid():
        try:
            cancel_submission(
                actor=request.user,
                submission=submission,
                reason=form.cleaned_data["withdrawal_reason"],
            )
        except InvalidInputError as error:
            # A result came while the page was open: it is shown now, and asked about.
            submission = _find(request, pk)
            rule = weigh_withdrawal(submission, role=rights.role)
            form.add_error(error.field if error.field in form.fields else None, error.message)
        except ServiceError as error:
            submission = _find(request, pk)
            rule = weigh_withdrawal(submission, role=rights.role)
            trouble = error.message
        else:
            messages.success(request, "The case is withdrawn.")
            return redirect("submission-detail", pk)
    with transaction.atomic():
        record_viewed(actor=request.user, obj=submission, clinic_id=submission.clinic_id)
    context = {
        "submission": submission,
        "label": label_case(submission, is_hidden=hides_standing(submission, rights.role)),
        "is_over": submission.state in (SubmissionState.REVIEWED, SubmissionState.CANCELLED),
        "trouble": trouble or _say_over(submission),
        "rule": rule,
        "needs_reader": NEEDS_READER,
        "result": _say_result(submission),
        "form": form,
    }
    status = 409 if trouble else 400 if form.errors else 200
    return render(request, "classifier/submission_cancel.html", context, status=status)


def _say_over(submission: Submission) -> str:
    if submission.state == SubmissionState.CANCELLED:
        return "This case was already withdrawn."
    return "This case is signed, so it can't be withdrawn."


def _say_result(submission: Submission) -> str:
    """What would be withdrawn with the case."""
    if submission.state == SubmissionState.IN_WORK:
        return "some of the images are judged already"
    label = label_case(submission)
    by = f", by the {label.said_by}" if label.said_by else ""
    return f"{label.word.lower()}{by}"


@require_POST
@page()
def submission_retry(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Queue the images without a result once more."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't submit cases.")
    try:
        count = retry_submission(actor=request.user, submission=submission)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{count_images(count)} sent to the model again.")
    return redirect("submission-detail", pk)


def _find(request: PortalRequest, pk: uuid.UUID) -> Submission:
    cases = Submission.objects.select_related("clinic", "lesion__patient")
    submission: Submission = get_visible(cases, request, pk)
    return submission
