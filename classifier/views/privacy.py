"""A patient's consents, legal hold and archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from classifier.labels.consent import label_origin
from classifier.models import Patient
from classifier.services.access import record_viewed
from classifier.services.archives import archive_patient
from classifier.services.consents import COLUMNS, record_consent
from classifier.services.errors import ServiceError
from classifier.services.holds import set_hold
from classifier.views.access import get_visible, page
from classifier.views.rights import require_right, rights_in
from portal.accounts.roles import Action
from portal.accounts.step_up import ask_again

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

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
