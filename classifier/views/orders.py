"""Say what was done about an order, take that back, and take over a case that nobody follows up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from classifier.cases.follow_up import take_over
from classifier.cases.orders import acknowledge_order, take_back_acknowledgement
from classifier.forms.order import AcknowledgeForm
from classifier.models import Acknowledgement, Submission
from classifier.order_panel import find_order_panel
from classifier.services.access import record_viewed
from classifier.services.errors import ServiceError
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def submission_order(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What was ordered for the case, and the form that says what was done."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't follow up cases.")
    form = AcknowledgeForm(
        request.POST if request.method == "POST" else None, initial={"done_on": timezone.localdate()}
    )
    if request.method == "POST" and form.is_valid():
        try:
            acknowledge_order(actor=request.user, submission=submission, **form.cleaned_data)
        except ServiceError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Written down. The order is done.")
            return _back(pk)
    return _show(request, submission, form)


@require_POST
@page()
def acknowledgement_take_back(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """It was a slip: the order is open again."""
    rows = Acknowledgement.objects.select_related("review__submission__clinic")
    acknowledgement = get_visible(rows, request, pk)
    submission = acknowledgement.review.submission
    require_right(rights_in(request, submission.clinic_id).submit, "Your role can't follow up cases.")
    try:
        take_back_acknowledgement(actor=request.user, acknowledgement=acknowledgement)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Taken back. The order is open again.")
    return _back(submission.pk)


@require_POST
@page()
def submission_take_over(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """From now on this person follows the case up."""
    submission = _find(request, pk)
    require_right(rights_in(request, submission.clinic_id).follow, "Your role can't follow up cases.")
    try:
        take_over(actor=request.user, submission=submission)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "You follow this case up now.")
    return _back(pk)


def _find(request: PortalRequest, pk: uuid.UUID) -> Submission:
    cases = Submission.objects.select_related("clinic", "lesion__patient")
    submission: Submission = get_visible(cases, request, pk)
    return submission


def _show(request: PortalRequest, submission: Submission, form: AcknowledgeForm) -> HttpResponse:
    with transaction.atomic():
        record_viewed(
            actor=request.user,
            obj=submission,
            clinic_id=submission.clinic_id,
            # Histopathology may have come in while the form was open.
            shows_standing=False,
        )
    context = {
        "submission": submission,
        "rights": rights_in(request, submission.clinic_id),
        "order": find_order_panel(submission),
        "order_form": form,
    }
    return render(request, "classifier/submission_order.html", context, status=400 if form.errors else 200)


def _back(pk: uuid.UUID) -> HttpResponse:
    return redirect(f"{reverse('submission-detail', args=[pk])}#order")
