"""The page of a new submission, and its fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from classifier.models import Lesion, Patient
from classifier.new_case import NewCase, begin_case, read_case, read_id
from classifier.patient_search import find_candidates
from classifier.services.access import record_listed, record_viewed
from classifier.views.access import get_visible, page
from classifier.views.rights import Rights, require_right, rights_in
from classifier.views.uploads import takes_upload

if TYPE_CHECKING:
    import uuid

    from portal.accounts.models import Clinic
    from portal.accounts.requests import PortalRequest

NO_RIGHT = "Your role in this clinic can't submit cases."


def _refuse_upload(request: PortalRequest, status: int, message: str) -> HttpResponse:
    """The whole body was unreadable, so nothing of the form can be shown again."""
    template = "classifier/submission_refused.html"
    if request.htmx:
        # The form still stands in the browser with all its files: only say what happened.
        template = "classifier/partials/form_trouble.html"
    response = render(request, template, {"message": message, "status": status}, status=status)
    response["HX-Retarget"] = "#form-trouble"
    response["HX-Reswap"] = "innerHTML"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page()
@takes_upload(_refuse_upload)
def submission_new(request: PortalRequest) -> HttpResponse:
    """Whom, which spot, images, question: one form, one transaction."""
    if request.method != "POST":
        with transaction.atomic():
            return _render(request, _begin(request))
    clinic, rights = read_posted_clinic(request)
    case = read_case(
        user=request.user,
        clinic=clinic,
        role=rights.role,
        data=request.POST,
        files=request.FILES,
    )
    if request.POST.get("action") in ("find", "choose"):
        # Without script these two buttons only draw the page anew, with all that was typed.
        case.forget_errors()
        with transaction.atomic():
            return _render(request, case)
    submission = case.submit()
    if submission is None:
        with transaction.atomic():
            return _render(request, case, status=422)
    address = reverse("submission-detail", args=[submission.pk])
    if request.htmx:
        return HttpResponseClientRedirect(address)
    return redirect(address)


@require_POST
@page()
@transaction.atomic
def find_patient(request: PortalRequest) -> HttpResponse:
    """Patients to choose from. By POST: the words may be a record number."""
    clinic, _ = read_posted_clinic(request)
    words = " ".join(request.POST.get("words", "").split())[:64]
    patients = find_candidates(user=request.user, clinic=clinic, words=words)
    record_listed(
        actor=request.user,
        clinic_id=clinic.pk,
        what="patient",
        details={"page": "new submission", "rows": len(patients), "searched": bool(words)},
    )
    context = {"patients": patients, "words": words, "chosen": request.POST.get("patient", "")}
    return render(request, "classifier/partials/patient_choices.html", context)


@require_safe
@page()
@transaction.atomic
def list_lesions(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The lesions of a patient to choose from."""
    patient: Patient = get_visible(Patient.objects.select_related("clinic"), request, pk)
    rights = rights_in(request, patient.clinic_id)
    require_right(rights.submit, NO_RIGHT)
    record_viewed(actor=request.user, obj=patient, clinic_id=patient.clinic_id)
    case = begin_case(user=request.user, clinic=patient.clinic, role=rights.role, patient=patient)
    return render(request, "classifier/partials/lesion_choices.html", {"case": case})


def _begin(request: PortalRequest) -> NewCase:
    """The page for ?patient= or ?lesion=, or for nobody yet in the current clinic."""
    patient, lesion = None, None
    if wanted := read_id(request.GET.get("lesion")):
        lesion = get_visible(Lesion.objects.select_related("patient__clinic"), request, wanted)
        patient = lesion.patient
    elif wanted := read_id(request.GET.get("patient")):
        patient = get_visible(Patient.objects.select_related("clinic"), request, wanted)
    clinic = patient.clinic if patient else request.clinic
    rights = rights_in(request, clinic.pk)
    require_right(rights.submit, NO_RIGHT)
    return begin_case(
        user=request.user,
        clinic=clinic,
        role=rights.role,
        patient=patient,
        lesion=lesion,
    )


def read_posted_clinic(request: PortalRequest) -> tuple[Clinic, Rights]:
    """The clinic the form was opened in: another tab may have switched to a different one."""
    wanted = request.POST.get("clinic", "")
    clinics = [m.clinic for m in request.memberships]
    clinic = next((c for c in clinics if str(c.pk) == wanted), None)
    if clinic is None:
        raise Http404
    rights = rights_in(request, clinic.pk)
    require_right(rights.submit, NO_RIGHT)
    return clinic, rights


def _render(request: PortalRequest, case: NewCase, status: int = 200) -> HttpResponse:
    patients, lesions = case.patients, case.lesions
    record_listed(
        actor=case.user,
        clinic_id=case.clinic.pk,
        what="patient",
        details={"page": "new submission", "rows": len(patients), "searched": bool(case.words)},
    )
    chosen = str(case.patient.pk) if case.patient else "new" if case.is_new_patient else ""
    context = {"case": case, "patients": patients, "lesions": lesions, "words": case.words, "chosen": chosen}
    is_fragment = request.htmx and request.method == "POST"
    template = "classifier/partials/new_case_form.html" if is_fragment else "classifier/submission_new.html"
    return render(request, template, context, status=status)
