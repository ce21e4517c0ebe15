"""Accounts of the clinic's systems, for its administrators."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from classifier.views.access import page
from classifier.views.closing import ask_to_close
from portal.accounts.access_forms import ServiceForm, ServiceTokenForm
from portal.accounts.errors import PeopleError
from portal.accounts.roles import Action
from portal.accounts.service_accounts import (
    make_service,
    make_service_token,
    revoke_service_token,
    select_services,
    set_service_active,
)
from portal.accounts.step_up import step_up
from portal.accounts.token_use import ApiBearer

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.models import Membership
    from portal.accounts.requests import PortalRequest

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def services(request: PortalRequest) -> HttpResponse:
    """The clinic's service accounts; POST sets up another."""
    form = ServiceForm(request.POST or None)
    clinic = request.clinic
    if request.method == "POST" and form.is_valid():
        try:
            made = make_service(actor=request.user, clinic=clinic, **form.cleaned_data)
        except PeopleError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, "Set up. Now make its first token.")
            return redirect("service", made.pk)
    rows = select_services(clinic).annotate(tokens=Count("user__auth_token_set"))
    context = {"form": form, "services": rows}
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/services.html", context, status=status)


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
@step_up
def service(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """One account and its tokens; POST makes a token and shows it on this one page."""
    membership = _find(request, pk)
    form = ServiceTokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issued = make_service_token(
                actor=request.user,
                membership=membership,
                **form.cleaned_data,
            )
        except PeopleError as error:
            form.add_error(error.field or None, error.message)
        else:
            return _show(request, membership, form=ServiceTokenForm(), issued=issued)
    return _show(request, membership, form=form, status=400 if form.errors else 200)


@page(Action.ADMINISTER)
@require_http_methods(READ_AND_WRITE)
def service_active(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask before the account is closed (GET); close it (`active=no`) or open it again (`active=yes`)."""
    membership = _find(request, pk)
    if request.method != "POST":
        words = (
            "It can no longer be used. Its tokens end at once and for good; what it did stays on record. "
            "You can open it again later, without tokens."
        )
        return ask_to_close(request, "service", pk, name=str(membership.user), words=words)
    is_active = request.POST.get("active") == "yes"
    set_service_active(actor=request.user, membership=membership, is_active=is_active)
    messages.success(
        request,
        "Opened again. Now make a new token for it." if is_active else "Closed. Its tokens are revoked.",
    )
    return redirect("service", pk)


@page(Action.ADMINISTER)
@require_POST
def service_token_revoke(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    membership = _find(request, pk)
    token = ApiBearer.find_of(membership.user, request.POST.get("token", ""))
    if token is None:
        raise Http404
    revoke_service_token(actor=request.user, membership=membership, token=token)
    messages.success(request, "Token revoked. Programs that used it can no longer log in.")
    return redirect("service", pk)


def _find(request: PortalRequest, pk: uuid.UUID) -> Membership:
    return get_object_or_404(select_services(request.clinic), pk=pk)


def _show(request: PortalRequest, row: Membership, *, status: int = 200, **changes: Any) -> HttpResponse:
    context = {
        "service": row,
        "tokens": ApiBearer.list_live(row.user),
        "trail": [("Service accounts", reverse("services")), (str(row.user), "")],
        **changes,
    }
    return render(request, "classifier/settings/service.html", context, status=status)
