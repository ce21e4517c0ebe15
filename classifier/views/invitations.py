"""Invitations into a clinic, for its administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.views.access import page
from portal.accounts.errors import PeopleError
from portal.accounts.invitation_forms import InvitationForm
from portal.accounts.invitation_mail import send_letter
from portal.accounts.invitations import invite, resend_invitation, withdraw_invitation
from portal.accounts.models import Invitation
from portal.accounts.models.invitation import InvitationState
from portal.accounts.roles import Action
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.invitations import Letter
    from portal.accounts.requests import PortalRequest

ANSWERED_SHOWN = 30


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def invitations(request: PortalRequest) -> HttpResponse:
    """Everybody who was asked in, by state; POST asks one more."""
    if request.method != "POST":
        return _show(request, InvitationForm())
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        letter = invite(actor=request.user, clinic=request.clinic, **form.cleaned_data)
    except PeopleError as error:
        form.add_error(error.field or None, error.message)
        return _show(request, form, status=400)
    return _send(request, letter)


@page(Action.ADMINISTER)
@require_POST
@step_up
def invitation_resend(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        letter = resend_invitation(actor=request.user, invitation=_find(request, pk))
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("invitations")
    return _send(request, letter)


@page(Action.ADMINISTER)
@require_POST
def invitation_withdraw(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        withdraw_invitation(actor=request.user, invitation=_find(request, pk))
    except PeopleError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Withdrawn. The link in the mail no longer works.")
    return redirect("invitations")


def _send(request: PortalRequest, letter: Letter) -> HttpResponse:
    # The same words whether the address has an account here or not.
    if send_letter(request, letter):
        messages.success(request, "The invitation is on its way by mail.")
    else:
        messages.error(
            request, "The mail could not be sent. Send it again from the list, or tell your operator."
        )
    return redirect("invitations")


def _find(request: PortalRequest, pk: uuid.UUID) -> Invitation:
    return get_object_or_404(Invitation, pk=pk, clinic=request.clinic)


def _show(request: PortalRequest, form: InvitationForm, *, status: int = 200) -> HttpResponse:
    rows = Invitation.objects.filter(clinic=request.clinic).select_related("invited_by", "accepted_by")
    waiting = list(rows.unanswered())
    answered = rows.exclude(pk__in=[row.pk for row in waiting])[:ANSWERED_SHOWN]
    context: dict[str, Any] = {
        "form": form,
        "rows": [*waiting, *answered],
        "states": InvitationState,
    }
    return render(request, "classifier/settings/invitations.html", context, status=status)
