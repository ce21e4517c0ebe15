"""Break-glass: open a patient of another clinic, end it; and its administrator's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.access import record_listed
from classifier.domain.errors import ServiceError
from classifier.models import EmergencyAccess
from classifier.pages.access import page
from classifier.pages.emergency_session import SESSION_KEY
from classifier.pages.forms.emergency_access import EmergencyForm
from classifier.privacy.emergency_access import GUEST, acknowledge_emergency, end_emergency, open_emergency
from portal.trust.accounts.roles import Action, Role
from portal.trust.accounts.sessions.sessions import renew_key

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

PAGE_SIZE = 50
TOO_MANY = 429


@sensitive_post_parameters()
@page(Action.BREAK_GLASS)
@require_http_methods(["GET", "HEAD", "POST"])
def emergency_open(request: PortalRequest) -> HttpResponse:
    """Name the patient exactly and say why; the patient's page opens for this session."""
    if request.membership.is_guest:
        raise PermissionDenied(GUEST)
    form = EmergencyForm(request.POST if request.method == "POST" else None, user=request.user)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            access = open_emergency(
                actor=request.user,
                home_clinic=request.clinic,
                **form.cleaned_data,
            )
        except ServiceError as error:
            form.add_error(error.field or None, error.message)
            status = TOO_MANY if error.code == "too_many_attempts" else 400
        else:
            request.session[SESSION_KEY] = [*request.session.get(SESSION_KEY, []), str(access.pk)]
            renew_key(request)
            return redirect("patient-detail", access.patient_id)
    context = {
        "form": form,
        "minutes": settings.DERMAPORT_EMERGENCY_MINUTES,
        "attempts": settings.DERMAPORT_EMERGENCY_ATTEMPTS,
    }
    status = 400 if form.errors and status != TOO_MANY else status
    return render(request, "classifier/emergency/open.html", context, status=status)


@page()
@require_POST
def emergency_end(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """End it: one's own, or one to a patient of the clinic that one administers."""
    mine = Q(user=request.user)
    if request.membership.role == Role.ADMINISTRATOR:
        mine |= Q(clinic=request.clinic)
    access = get_object_or_404(EmergencyAccess.objects.filter(mine), pk=pk)
    end_emergency(actor=request.user, access=access)
    messages.success(request, "The emergency access has ended.")
    return redirect("home" if access.user_id == request.user.pk else "emergency-list")


@page(Action.ADMINISTER)
@require_safe
def emergency_list(request: PortalRequest) -> HttpResponse:
    """Who of other clinics opened patients of this one, when and why."""
    clinic = request.clinic
    rows = EmergencyAccess.objects.filter(clinic=clinic).select_related(
        "user", "home_clinic", "patient", "acknowledged_by"
    )
    page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    record_listed(actor=request.user, clinic_id=clinic.pk, what="emergency", details={"rows": len(page_obj)})
    context = {"page_obj": page_obj}
    return render(request, "classifier/emergency/list.html", context)


@page(Action.ADMINISTER)
@require_POST
def emergency_acknowledge(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    access = get_object_or_404(EmergencyAccess, pk=pk, clinic=request.clinic)
    acknowledge_emergency(actor=request.user, access=access)
    messages.success(request, "Marked as seen.")
    return redirect("emergency-list")
