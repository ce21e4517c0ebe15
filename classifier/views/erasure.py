"""Erase one patient, and what the clinic's policy would erase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from classifier.forms.erasure import ErasureForm, PreviewForm
from classifier.models import FileRemoval, SubmissionImage
from classifier.services.access import record_listed
from classifier.services.erasure import erase_patient
from classifier.services.errors import ServiceError
from classifier.services.retention import find_due
from classifier.views.access import page
from classifier.views.privacy import breadcrumb, find_administered
from portal.accounts.automatic_retention import start_automatic_retention, stop_automatic_retention
from portal.accounts.errors import PeopleError
from portal.accounts.roles import Action
from portal.accounts.step_up import ask_again

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.models import Clinic
    from portal.accounts.requests import PortalRequest

PAGE_SIZE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.ADMINISTER)
def patient_erase(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for the reason and the public id (GET), then erase (POST)."""
    patient = find_administered(request, pk)
    form = ErasureForm(request.POST or None, expected=patient.public_id)
    if request.method == "POST" and form.is_valid():
        if asked := ask_again(request):
            return asked
        try:
            erase_patient(
                actor=request.user,
                patient=patient,
                reason=form.cleaned_data["reason"],
            )
        except ServiceError as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, f"{patient.public_id} is erased. What was done stays in the trail.")
            return redirect("patient-list")
    context = {
        "patient": patient,
        "form": form,
        "images": SubmissionImage.objects.filter(submission__lesion__patient=patient).count(),
        "breadcrumb": breadcrumb(patient, "Erase"),
    }
    return render(request, "classifier/patient_erase.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Action.ADMINISTER)
def retention(request: PortalRequest) -> HttpResponse:
    """Whom the clinic's policy, or another that is tried out, would erase now (GET).

    POST lets the policy that was shown run every night (`automatic=yes`), or stops it.
    """
    clinic = request.clinic
    if request.method == "POST":
        return ask_again(request) or _switch_automatic(request, clinic)
    form = PreviewForm(request.GET)
    due = find_due(clinic, years=form.asked).annotate(case_count=Count("lesions__submissions", distinct=True))
    page_obj = Paginator(due, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = list(page_obj)
    record_listed(
        actor=request.user,
        clinic_id=clinic.pk,
        what="retention",
        details={"rows": len(rows), "years": form.asked or clinic.retention_years},
    )
    context = {
        "page_obj": page_obj,
        "rows": rows,
        "form": form,
        "asked": form.asked,
        "years": clinic.retention_years,
        "automatic_since": clinic.retention_automatic_since,
        "waiting_files": FileRemoval.objects.count(),
    }
    return render(request, "classifier/settings/retention.html", context)


def _switch_automatic(request: PortalRequest, clinic: Clinic) -> HttpResponse:
    actor = request.user
    try:
        if request.POST.get("automatic") == "yes":
            shown = PreviewForm(request.POST).asked
            start_automatic_retention(actor=actor, clinic=clinic, years=shown)
            messages.success(request, "From now on, patients who are due are erased every night.")
        else:
            stop_automatic_retention(actor=actor, clinic=clinic)
            messages.success(request, "Stopped. Nobody is erased automatically any more.")
    except PeopleError as error:
        messages.error(request, error.message)
    return redirect("retention")
