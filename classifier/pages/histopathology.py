"""Record histopathology of a lesion, and correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from classifier.cases.access import record_viewed
from classifier.cases.histopathology import correct_outcome, record_outcome
from classifier.domain.errors import ServiceError
from classifier.labels.text import name_site
from classifier.models import Lesion, Outcome
from classifier.pages.access import get_visible, page, require_right, rights_in
from classifier.pages.forms.histopathology import CorrectionForm, OutcomeForm

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def outcome_new(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What was found in a specimen of this lesion."""
    lesion = get_visible(Lesion.objects.select_related("patient__clinic"), request, pk)
    _require(request, lesion)
    form = OutcomeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            record_outcome(actor=request.user, lesion=lesion, finding=form.finding)
        except ServiceError as error:
            _add_error(form, error)
        else:
            messages.success(request, "The histopathology is recorded.")
            return redirect("lesion-detail", lesion.pk)
    return _show(request, lesion, form)


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def outcome_correct(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """A correction: a new row that names the one before and says why."""
    outcome = get_visible(Outcome.objects.select_related("lesion__patient__clinic"), request, pk)
    _require(request, outcome.lesion)
    form = CorrectionForm.of(outcome, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            correct_outcome(
                actor=request.user,
                outcome=outcome,
                finding=form.finding,
                reason=form.cleaned_data["correction_reason"],
            )
        except ServiceError as error:
            _add_error(form, error)
        else:
            messages.success(request, "The change is recorded. The earlier version stays readable.")
            return redirect("lesion-detail", outcome.lesion_id)
    return _show(request, outcome.lesion, form, corrected=outcome)


def _require(request: PortalRequest, lesion: Lesion) -> None:
    rights = rights_in(request, lesion.patient.clinic_id)
    require_right(rights.record_outcome, "Your role can't record histopathology.")


def _add_error(form: OutcomeForm, error: ServiceError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)


def _show(
    request: PortalRequest, lesion: Lesion, form: OutcomeForm, corrected: Outcome | None = None
) -> HttpResponse:
    with transaction.atomic():
        shown = corrected or lesion
        record_viewed(actor=request.user, obj=shown, clinic_id=lesion.patient.clinic_id)
    patient = lesion.patient
    context = {
        "lesion": lesion,
        "patient": patient,
        "form": form,
        "corrected": corrected,
        "breadcrumb": [
            (f"Patient {patient.mrn}", reverse("patient-detail", args=[patient.pk])),
            (name_site(lesion), reverse("lesion-detail", args=[lesion.pk])),
            ("Histopathology", ""),
        ],
    }
    return render(request, "classifier/outcome_form.html", context, status=422 if form.errors else 200)
