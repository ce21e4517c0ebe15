"""The clinic and its people, for its administrators."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.views.access import page
from portal.accounts.errors import PeopleError
from portal.accounts.forms import ClinicForm, PersonForm
from portal.accounts.models import Membership, UserKind
from portal.accounts.roles import Action, Role
from portal.accounts.services import (
    add_person,
    change_role,
    make_password_link,
    set_active,
    update_clinic,
)

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.accounts.models import Clinic, User

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def clinic_settings(request: HttpRequest) -> HttpResponse:
    """Name of the clinic, and whether the model's answer waits for the reader."""
    clinic: Clinic = request.clinic  # type: ignore[attr-defined]
    # A copy: a ModelForm writes what was typed into its instance, which the page's frame shows.
    form = ClinicForm(request.POST or None, instance=type(clinic).objects.get(pk=clinic.pk))
    if request.method == "POST" and form.is_valid():
        try:
            update_clinic(actor=_actor(request), clinic=clinic, **form.cleaned_data)
        except PeopleError as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, "Clinic saved.")
            return redirect("clinic-settings")
    status = 400 if form.errors else 200
    return render(
        request, "classifier/settings/clinic.html", {"form": form, "place": "clinic-settings"}, status=status
    )


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody in the clinic; POST lets another person in."""
    if request.method != "POST":
        return _show(request)
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _show(request, form=form, status=400)
    try:
        invitation = add_person(
            actor=_actor(request),
            clinic=request.clinic,  # type: ignore[attr-defined]
            **form.cleaned_data,
        )
    except PeopleError as error:
        form.add_error(error.field or None, error.message)
        return _show(request, form=form, status=400)
    if not invitation.path:
        messages.success(request, "Added. This person logs in with the password they have.")
        return redirect("people")
    return _show(request, invited=invitation.membership, link=request.build_absolute_uri(invitation.path))


@page(Action.ADMINISTER)
@require_POST
def person_role(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    membership = _find(request, pk)
    try:
        change_role(actor=_actor(request), membership=membership, role=request.POST.get("role", ""))
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Role changed.")
    return redirect("people")


@page(Action.ADMINISTER)
@require_POST
def person_active(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End a person's access to the clinic (`active=no`) or give it again (`active=yes`)."""
    membership, is_active = _find(request, pk), request.POST.get("active") == "yes"
    try:
        set_active(actor=_actor(request), membership=membership, is_active=is_active)
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, "Access given again." if is_active else "Access ended. What they did stays."
        )
    return redirect("people")


@page(Action.ADMINISTER)
@require_POST
def person_link(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A link with which a person of this clinic alone sets a new password, shown once."""
    membership = _find(request, pk)
    try:
        path = make_password_link(actor=_actor(request), membership=membership)
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("people")
    return _show(request, invited=membership, link=request.build_absolute_uri(path))


def _find(request: HttpRequest, pk: uuid.UUID) -> Membership:
    rows = Membership.objects.filter(user__kind=UserKind.PERSON).select_related("user")
    return get_object_or_404(rows, pk=pk, clinic=request.clinic)  # type: ignore[attr-defined]


def _actor(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]


def _show(request: HttpRequest, *, status: int = 200, **changes: Any) -> HttpResponse:
    clinic = request.clinic  # type: ignore[attr-defined]
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
        "form": PersonForm(),
        "people": [
            (row, row.is_active and row.user_id not in elsewhere and not row.user.is_staff)
            for row in memberships
        ],
        "roles": Role.choices,
        "place": "people",
        **changes,
    }
    return render(request, "classifier/settings/people.html", context, status=status)
