"""Patients: the list with its search, one patient, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from classifier.cases.access import record_listed, record_viewed
from classifier.cases.rows import (
    FILTERS,
    FILTERS_OF_ADMINISTRATORS,
    ORDERS,
    build_lesion_rows,
    build_patient_rows,
    build_rows,
    list_patients,
    load_cases,
)
from classifier.cases.search import SEARCH_HINT
from classifier.domain.errors import InvalidInputError
from classifier.models import Patient, Submission
from classifier.pages.access import Rights, get_visible, page, require_right, rights_in
from classifier.pages.forms.fields import carry_shown, read_changes
from classifier.pages.forms.patient import PatientFactsForm, PatientSearchForm
from classifier.pages.history import PARAMETER, build_address, build_group, keep_search, read_search
from classifier.patients.patients import update_patient
from classifier.standing.hiding import hides_worst, holds_unread_answer, is_blinded

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

PATIENTS_A_PAGE = 25
CASES_A_PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def patient_list(request: PortalRequest) -> HttpResponse:
    """The clinic's patients. Words are searched by POST and kept in the session, never in the URL."""
    if request.method == "POST":
        form = PatientSearchForm(request.POST)
        words = form.cleaned_data["words"] if form.is_valid() else ""
        show, by = request.POST.get("show", ""), request.POST.get("sort", "")
        query = {
            "show": show if show in _list_filters(rights_in(request, request.clinic.pk)) else "",
            "sort": by if by in ORDERS else "",
            PARAMETER: keep_search(request, words),
        }
        given = urlencode({name: value for name, value in query.items() if value})
        address = reverse("patient-list")
        return redirect(f"{address}?{given}" if given else address)
    return _render_list(request)


@transaction.atomic
def _render_list(request: PortalRequest) -> HttpResponse:
    clinic = request.clinic
    search = read_search(request)
    words = search.words
    show, by = request.GET.get("show", ""), request.GET.get("sort", "")
    rights = rights_in(request, clinic.pk)
    filters = _list_filters(rights)
    show = show if show in filters else ""
    patients = list_patients(
        user=request.user,
        clinic=clinic,
        words=words,
        show=show,
        by=by,
        hides_unread=is_blinded(clinic, rights.role),
    )
    page_obj = Paginator(patients, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    rows = build_patient_rows(page_obj.object_list, role=rights.role)
    record_listed(
        actor=request.user,
        clinic_id=clinic.pk,
        what="patient",
        details={"rows": len(rows), "searched": bool(words), "filter": show},
    )
    context = {
        "rows": rows,
        "page_obj": page_obj,
        "search": PatientSearchForm(initial={"words": words}),
        "words": words,
        "search_is_over": search.is_over,
        "search_hint": SEARCH_HINT,
        "clear_search": build_address(request, **{PARAMETER: ""}),
        "show": show,
        "by": by if by in ORDERS else "",
        "filter_groups": [
            _describe_filters(request, filters, show),
            build_group(request, "sort", "Sort", ORDERS.items(), current=by if by in ORDERS else ""),
        ],
        "rights": rights,
    }
    return render(request, "classifier/patient_list.html", context)


def _list_filters(rights: Rights) -> dict[str, str]:
    """What the list can be narrowed to; two histories of one person are an administrator's to look for."""
    return {**FILTERS, **(FILTERS_OF_ADMINISTRATORS if rights.administer else {})}


def _describe_filters(request: PortalRequest, filters: dict[str, str], show: str) -> dict[str, Any]:
    everyone = {"label": "All", "url": build_address(request, show=""), "active": not show}
    options = [
        {"label": label, "url": build_address(request, show=key), "active": show == key}
        for key, label in filters.items()
    ]
    return {"label": "Show", "options": [everyone, *options]}


@require_safe
@page()
@transaction.atomic
def patient_detail(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """One patient: facts, lesions, cases."""
    patient = _find(request, pk)
    rights = rights_in(request, patient.clinic_id)
    record_viewed(actor=request.user, obj=patient, clinic_id=patient.clinic_id)
    cases = load_cases(Submission.objects.filter(lesion__patient=patient))
    page_obj = Paginator(cases, CASES_A_PAGE).get_page(request.GET.get("page"))
    shows_all = request.GET.get("lesions") == "all"
    lesions, lesion_count = build_lesion_rows(patient, role=rights.role, shows_all=shows_all)
    context = {
        "patient": patient,
        "rights": rights,
        "hides_patient": hides_worst(
            patient, patient.clinic, rights.role, has_unread=holds_unread_answer(cases)
        ),
        "lesions": lesions,
        "lesion_count": lesion_count,
        "page_obj": page_obj,
        "rows": build_rows(page_obj.object_list, role=rights.role),
        "breadcrumb": [("Patients", reverse("patient-list")), (f"Patient {patient.mrn}", "")],
    }
    return render(request, "classifier/patient_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def patient_edit(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Correct a patient's facts; the record number stays, and so does what this person left alone."""
    with transaction.atomic():
        patient = _find(request, pk)
        require_right(rights_in(request, patient.clinic_id).submit, "Your role can't change patients.")
        record_viewed(actor=request.user, obj=patient, clinic_id=patient.clinic_id)
    initial = {name: getattr(patient, name) for name in PatientFactsForm.base_fields}
    form = carry_shown(PatientFactsForm(request.POST or None, initial=initial))
    if request.method == "POST" and form.is_valid():
        try:
            update_patient(actor=request.user, patient=patient, **read_changes(form))
        except InvalidInputError as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, "The patient's facts are saved.")
            return redirect("patient-detail", pk)
    context = {
        "patient": patient,
        "form": form,
        "breadcrumb": [
            ("Patients", reverse("patient-list")),
            (f"Patient {patient.mrn}", reverse("patient-detail", args=[patient.pk])),
            ("Edit", ""),
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "classifier/patient_edit.html", context, status=status)


def _find(request: PortalRequest, pk: uuid.UUID) -> Patient:
    patient: Patient = get_visible(Patient.objects.select_related("clinic"), request, pk)
    return patient
