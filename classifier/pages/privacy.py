"""Privacy: a patient's consents, legal hold, archive and erasure, and the clinic's retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.access import record_listed, record_viewed
from classifier.consents import COLUMNS, record_consent
from classifier.domain.errors import ServiceError
from classifier.labels.consent import label_origin
from classifier.models import FileRemoval, Patient, SubmissionImage
from classifier.pages.access import get_visible, page, require_right, rights_in
from classifier.pages.forms.erasure import ErasureForm, PreviewForm
from classifier.privacy.archives import archive_patient
from classifier.privacy.erasure import erase_patient
from classifier.privacy.retention import find_due, set_hold
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.people.automatic_retention import (
    start_automatic_retention,
    stop_automatic_retention,
)
from portal.trust.accounts.roles import Action
from portal.trust.accounts.second_factor.step_up import ask_again

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.models import Clinic
    from portal.trust.accounts.requests import PortalRequest


HISTORY_SHOWN = 50


@require_safe
@page()
def patient_privacy(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What the patient agreed to, when and to whom; what an administrator may do with the data."""
    with transaction.atomic():
        patient = find_patient(request, pk)
        rights = rights_in(request, patient.clinic_id)
        record_viewed(actor=request.user, obj=patient, clinic_id=patient.clinic_id)
        rows = patient.consents.select_related("recorded_by", "patient__clinic")[:HISTORY_SHOWN]
        history = [(row, label_origin(row)) for row in rows]
    context = {
        "patient": patient,
        "rights": rights,
        "consents": [
            (purpose.value, purpose.label, getattr(patient, column)) for purpose, column in COLUMNS.items()
        ],
        "history": history,
        "breadcrumb": breadcrumb(patient, "Consent and data"),
    }
    return render(request, "classifier/patient_privacy.html", context)


@require_POST
@page()
def patient_consent(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Note a consent (`given=yes`) or its withdrawal (`given=no`) for one purpose."""
    patient = find_patient(request, pk)
    require_right(rights_in(request, patient.clinic_id).submit, "Your role can't record a consent.")
    is_given = request.POST.get("given") == "yes"
    try:
        record_consent(
            actor=request.user,
            patient=patient,
            purpose=request.POST.get("purpose", ""),
            is_given=is_given,
        )
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Consent recorded." if is_given else "Withdrawal recorded.")
    return redirect("patient-privacy", pk)


@require_POST
@page(Action.ADMINISTER)
def patient_hold(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Put the patient on legal hold (`hold=yes`) or lift it (`hold=no`)."""
    patient = find_administered(request, pk)
    if asked := ask_again(request):
        return asked
    is_on_hold = request.POST.get("hold") == "yes"
    set_hold(actor=request.user, patient=patient, is_on_hold=is_on_hold)
    messages.success(request, "On legal hold: nothing is erased." if is_on_hold else "Legal hold lifted.")
    return redirect("patient-privacy", pk)


@require_POST
@page(Action.ADMINISTER)
def patient_archive(request: PortalRequest, pk: uuid.UUID) -> HttpResponse | StreamingHttpResponse:
    """All data of the patient as one ZIP file, to be handed to the patient."""
    patient = find_administered(request, pk)
    if asked := ask_again(request):
        return asked
    parts = archive_patient(actor=request.user, patient=patient)
    response = StreamingHttpResponse(parts, content_type="application/zip")
    name = f"{patient.public_id}-{timezone.localdate():%Y-%m-%d}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def find_patient(request: PortalRequest, pk: uuid.UUID) -> Patient:
    patient: Patient = get_visible(Patient.objects.select_related("clinic"), request, pk)
    return patient


def find_administered(request: PortalRequest, pk: uuid.UUID) -> Patient:
    """The patient, for an administrator of the patient's own clinic."""
    patient = find_patient(request, pk)
    require_right(rights_in(request, patient.clinic_id).administer, "Your role can't do this.")
    return patient


def breadcrumb(patient: Patient, last: str) -> list[tuple[str, str]]:
    return [
        ("Patients", reverse("patient-list")),
        (f"Patient {patient.mrn}", reverse("patient-detail", args=[patient.pk])),
        (last, ""),
    ]


# --- Erasure and retention ----------------------------------------------------------------------


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
            messages.success(request, f"{patient.public_id} is erased. What was done stays in the audit log.")
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
        # Not how many: the rows name no clinic, and other clinics' erasures are not this one's to count.
        "has_waiting_files": FileRemoval.objects.exists(),
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
