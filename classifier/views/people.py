"""The clinic and its people, for its administrators."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.open_work import find_open_work
from classifier.services.departures import end_access
from classifier.views.access import page
from portal.accounts.closing import reopen_membership
from portal.accounts.errors import PeopleError
from portal.accounts.factor_reset import reset_factor
from portal.accounts.forms import ClinicForm
from portal.accounts.guests import change_guest_end
from portal.accounts.invitation_forms import GuestForm
from portal.accounts.models import Membership, UserKind
from portal.accounts.roles import Action, Role
from portal.accounts.second_factor import list_people_with_factor
from portal.accounts.services import (
    change_role,
    make_password_link,
    update_clinic,
)
from portal.accounts.step_up import ask_again, step_up

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def clinic_settings(request: PortalRequest) -> HttpResponse:
    """Name of the clinic, and whether the model's answer waits for the reader."""
    clinic = request.clinic
    # A copy: a ModelForm writes what was typed into its instance, which the page's frame shows.
    form = ClinicForm(request.POST or None, instance=type(clinic).objects.get(pk=clinic.pk))
    if request.method == "POST" and form.is_valid():
        # How long data are kept decides what is erased; where consent is recorded, who is asked here.
        weighty = {"retention_years", "consent_recorded_in"}
        if weighty & set(form.changed_data) and (asked := ask_again(request)):
            return asked
        try:
            update_clinic(actor=request.user, clinic=clinic, **form.cleaned_data)
        except PeopleError as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, "Clinic saved.")
            return redirect("clinic-settings")
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/clinic.html", {"form": form}, status=status)


@page(Action.ADMINISTER)
@require_safe
def people(request: PortalRequest) -> HttpResponse:
    """Everybody in the clinic."""
    return _show(request)


@page(Action.ADMINISTER)
@require_POST
@step_up
def person_role(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    membership = _find(request, pk)
    try:
        change_role(actor=request.user, membership=membership, role=request.POST.get("role", ""))
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Role changed.")
    return redirect("people")


@page(Action.ADMINISTER)
@require_POST
@step_up
def person_active(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Give a person access again (`active=yes`), or end it (`active=no`): with open work, on its page."""
    membership, is_active = _find(request, pk), request.POST.get("active") == "yes"
    work = find_open_work(person=membership.user, clinic_id=membership.clinic_id)
    if not is_active and (work.awaited.exists() or work.readings.exists()):
        return redirect("person-leave", pk)
    try:
        if is_active:
            reopen_membership(actor=request.user, membership=membership)
        else:
            end_access(actor=request.user, membership=membership)
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, "Access given again." if is_active else "Access ended. What they did stays."
        )
    return redirect("people")


@page(Action.ADMINISTER)
@require_POST
@step_up
def person_end(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a guest stay until another day."""
    membership, form = _find(request, pk), GuestForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give the guest's last day, such as 2026-05-17.")
        return redirect("people")
    try:
        change_guest_end(actor=request.user, membership=membership, **form.cleaned_data)
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The guest's last day is changed.")
    return redirect("people")


@page(Action.ADMINISTER)
@require_POST
@step_up
def person_link(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """A link with which a person of this clinic alone sets a new password, shown once."""
    membership = _find(request, pk)
    try:
        path = make_password_link(actor=request.user, membership=membership)
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("people")
    return _show(request, invited=membership, link=request.build_absolute_uri(path))


@page(Action.ADMINISTER)
@require_POST
@step_up
def person_factor_reset(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Let a colleague who lost phone and codes set up a new second factor; they are told by mail."""
    membership = _find(request, pk)
    try:
        reset_factor(actor=request.user, membership=membership)
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Second factor removed. This person sets up a new one at the next log-in.")
    return redirect("people")


def _find(request: PortalRequest, pk: uuid.UUID) -> Membership:
    rows = Membership.objects.filter(user__kind=UserKind.PERSON).select_related("user")
    return get_object_or_404(rows, pk=pk, clinic=request.clinic)


def _show(request: PortalRequest, **changes: Any) -> HttpResponse:
    clinic = request.clinic
    memberships = (
        Membership.objects.filter(clinic=clinic, user__kind=UserKind.PERSON)
        .select_related("user")
        .order_by("-is_active", "user__full_name", "user__email")
    )
    elsewhere = set(
        Membership.objects.filter(user__memberships__clinic=clinic)
        .exclude(clinic=clinic)
        .values_list("user_id", flat=True)
    )
    context = {
        "people": [
            (row, row.is_active and row.user_id not in elsewhere and not row.user.is_staff)
            for row in memberships
        ],
        "with_factor": list_people_with_factor(clinic),
        "roles": Role.choices,
        **changes,
    }
    return render(request, "classifier/settings/people.html", context)
