"""The clinic and its people, for its administrators: roles, guests, invitations, leaving, closing access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.cases.access import record_listed
from classifier.cases.hand_over import HandedOver, end_access, find_open_work, hand_over_work, list_colleagues
from classifier.cases.rows import build_rows, load_cases
from classifier.domain.errors import InvalidInputError
from classifier.pages.access import page
from classifier.pages.forms.fields import carry_shown, read_changes
from classifier.pages.forms.hand_over import HandOverForm
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Invitation, Membership, UserKind
from portal.trust.accounts.models.invitation import InvitationState
from portal.trust.accounts.people.closing import may_close, reopen_membership
from portal.trust.accounts.people.forms import ClinicForm
from portal.trust.accounts.people.founding import change_guest_end
from portal.trust.accounts.people.invitation_views import GuestForm, InvitationForm
from portal.trust.accounts.people.invitations import (
    invite,
    resend_invitation,
    send_invitation,
    withdraw_invitation,
)
from portal.trust.accounts.people.services import change_role, make_password_link, update_clinic
from portal.trust.accounts.roles import Action, Role
from portal.trust.accounts.second_factor.codes import list_people_with_factor
from portal.trust.accounts.second_factor.reset import reset_factor
from portal.trust.accounts.second_factor.step_up import ask_again, step_up

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.people.invitations import IssuedInvitation
    from portal.trust.accounts.requests import PortalRequest


READ_AND_WRITE = ["GET", "HEAD", "POST"]


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def clinic_settings(request: PortalRequest) -> HttpResponse:
    """Name of the clinic, and whether the model's answer waits for the reader."""
    clinic = request.clinic
    # A copy: a ModelForm writes what was typed into its instance, which the page's frame shows.
    form = carry_shown(ClinicForm(request.POST or None, instance=type(clinic).objects.get(pk=clinic.pk)))
    if request.method == "POST" and form.is_valid():
        changes = read_changes(form)
        # How long data are kept decides what is erased; where consent is recorded, who is asked here.
        weighty = {"retention_years", "consent_recorded_in"} & set(changes)
        if any(changes[name] != getattr(clinic, name) for name in weighty) and (asked := ask_again(request)):
            return asked
        try:
            update_clinic(actor=request.user, clinic=clinic, **changes)
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


# --- Leaving ------------------------------------------------------------------------------------
# First what is open of a person, then who takes it.


SHOWN = 10


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def person_leave(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """What is open of a person; POST hands it over and, while they have access, ends that."""
    rows = Membership.objects.filter(user__kind=UserKind.PERSON).select_related("user", "clinic")
    membership = get_object_or_404(rows, pk=pk, clinic=request.clinic)
    work = find_open_work(person=membership.user, clinic_id=membership.clinic_id)
    form = HandOverForm(
        request.POST if request.method == "POST" else None,
        clinicians=list_colleagues(membership, Action.SUBMIT) if work.awaited.exists() else None,
        readers=list_colleagues(membership, Action.REVIEW) if work.readings.exists() else None,
        may_close=membership.is_active and membership.user.is_active and may_close(membership),
    )
    if request.method == "POST" and form.is_valid():
        if asked := ask_again(request):
            return asked
        try:
            handed = _leave(request, membership, form)
        except (PeopleError, InvalidInputError) as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, _describe(membership, handed))
            return redirect("people")
    with transaction.atomic():
        awaited, readings = (_load(request, cases) for cases in (work.awaited, work.readings))
        record_listed(
            actor=request.user,
            clinic_id=membership.clinic_id,
            what="submission",
            details={"page": "open work", "rows": len(awaited["rows"]) + len(readings["rows"])},
        )
    context = {
        "row": membership,
        "form": form,
        "awaited": awaited,
        "readings": readings,
    }
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/hand_over.html", context, status=status)


def _leave(request: PortalRequest, membership: Membership, form: HandOverForm) -> HandedOver:
    chosen: dict[str, Any] = {
        "actor": request.user,
        "membership": membership,
        "responsible": form.colleague("responsible"),
        "reader": form.colleague("reader"),
    }
    if not membership.is_active:
        return hand_over_work(**chosen)
    return end_access(**chosen, close_log_in=form.cleaned_data.get("close_log_in", False))


def _load(request: PortalRequest, cases: SubmissionQuerySet) -> dict[str, Any]:
    role = request.membership.role
    return {
        "count": cases.count(),
        "rows": build_rows(load_cases(cases.order_by("submitted_at", "pk"))[:SHOWN], role=role),
    }


def _describe(membership: Membership, handed: HandedOver) -> str:
    first = "Access ended. What they did stays." if membership.is_active else "Handed over."
    moved = handed.awaited + handed.readings
    if not moved:
        return first
    return f"{first} {moved} open case{'' if moved == 1 else 's'} went to the colleagues you chose."


# --- Invitations --------------------------------------------------------------------------------


ANSWERED_SHOWN = 30


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def invitations(request: PortalRequest) -> HttpResponse:
    """Everybody who was asked in, by state; POST asks one more."""
    if request.method != "POST":
        return _show_invitations(request, InvitationForm())
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _show_invitations(request, form, status=400)
    try:
        issued = invite(actor=request.user, clinic=request.clinic, **form.cleaned_data)
    except PeopleError as error:
        form.add_error(error.field or None, error.message)
        return _show_invitations(request, form, status=400)
    return _send(request, issued)


@page(Action.ADMINISTER)
@require_POST
@step_up
def invitation_resend(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        issued = resend_invitation(actor=request.user, invitation=_find_invitation(request, pk))
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("invitations")
    return _send(request, issued)


@page(Action.ADMINISTER)
@require_POST
def invitation_withdraw(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        withdraw_invitation(actor=request.user, invitation=_find_invitation(request, pk))
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Withdrawn. The link in the mail no longer works.")
    return redirect("invitations")


def _send(request: PortalRequest, issued: IssuedInvitation) -> HttpResponse:
    # The same words whether the address has an account here or not.
    if send_invitation(request, issued):
        messages.success(request, "The invitation is on its way by mail.")
    else:
        messages.error(
            request, "The mail could not be sent. Send it again from the list, or tell your operator."
        )
    return redirect("invitations")


def _find_invitation(request: PortalRequest, pk: uuid.UUID) -> Invitation:
    return get_object_or_404(Invitation, pk=pk, clinic=request.clinic)


def _show_invitations(request: PortalRequest, form: InvitationForm, *, status: int = 200) -> HttpResponse:
    rows = Invitation.objects.filter(clinic=request.clinic).select_related("invited_by", "accepted_by")
    waiting = list(rows.unanswered())
    answered = rows.exclude(pk__in=[row.pk for row in waiting])[:ANSWERED_SHOWN]
    context: dict[str, Any] = {
        "form": form,
        "rows": [*waiting, *answered],
        "states": InvitationState,
    }
    return render(request, "classifier/settings/invitations.html", context, status=status)


# --- Closing access -----------------------------------------------------------------------------
# Asked before: what an account or an application holds ends for good.


def ask_to_close(request: PortalRequest, route: str, pk: uuid.UUID, *, name: str, words: str) -> HttpResponse:
    """The page that asks; it posts to `<route>-active` and leads back to `route`."""
    context = {
        "name": name,
        "words": words,
        "address": reverse(f"{route}-active", args=[pk]),
        "back": reverse(route, args=[pk]),
    }
    return render(request, "classifier/settings/close.html", context)
