"""Cancel a case, try it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.answers import count_images
from classifier.models import Submission
from classifier.services.errors import ServiceError
from classifier.services.submissions import cancel_submission, retry_submission
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def submission_cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask (GET) and cancel (POST)."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).cancel, "Your role can't cancel cases.")
    if request.method != "POST":
        return render(request, "classifier/submission_cancel.html", {"submission": submission})
    try:
        cancel_submission(actor=request.user, submission=submission)  # type: ignore[arg-type]
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The submission is cancelled.")
    return redirect("submission-detail", pk)


@require_POST
@page()
def submission_retry(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Queue the images without a result once more."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't submit cases.")
    try:
        count = retry_submission(actor=request.user, submission=submission)  # type: ignore[arg-type]
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{count_images(count)} sent to the model again.")
    return redirect("submission-detail", pk)


def _find(request: HttpRequest, pk: uuid.UUID) -> Submission:
    cases = Submission.objects.select_related("clinic", "lesion__patient")
    submission: Submission = get_visible(cases, request, pk)
    return submission
