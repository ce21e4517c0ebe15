"""OAuth applications of the clinic, for its administrators."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from classifier.views.access import page
from classifier.views.closing import ask_to_close
from portal.accounts.access_forms import ApplicationChangeForm, ApplicationForm
from portal.accounts.errors import PeopleError
from portal.accounts.models import OAuthApplication
from portal.accounts.oauth.application_secrets import end_former_secret, rotate_secret
from portal.accounts.oauth.applications import (
    register_application,
    set_application_active,
    update_application,
)
from portal.accounts.roles import Action
from portal.accounts.service_accounts import select_services
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.oauth.applications import Registration
    from portal.accounts.requests import PortalRequest


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def applications(request: PortalRequest) -> HttpResponse:
    """The clinic's applications; POST registers one and shows its secret on this one page."""
    clinic = request.clinic
    services = select_services(clinic).filter(user__is_active=True)
    form = ApplicationForm(request.POST or None, services=services)
    if request.method == "POST" and form.is_valid():
        try:
            made = register_application(actor=request.user, clinic=clinic, **form.cleaned_data)
        except PeopleError as error:
            form.add_error(error.field, error.message)
        else:
            return _show_secret(request, made)
    context = {
        "form": form,
        "applications": OAuthApplication.objects.filter(clinic=clinic).order_by("-is_active", "name"),
    }
    status = 400 if form.errors else 200
    return render(request, "classifier/settings/applications.html", context, status=status)


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def application(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """One application; POST changes its name and where people return to."""
    row = _find(request, pk)
    if request.method != "POST":
        return _show(request, row)
    form = ApplicationChangeForm(request.POST, is_for_people=row.service is None)
    if form.is_valid():
        try:
            update_application(actor=request.user, application=row, **form.cleaned_data)
        except PeopleError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, "Application saved.")
            return redirect("application", pk)
    return _show(request, row, form=form, status=400)


@page(Action.ADMINISTER)
@require_POST
@step_up
def application_secret(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Replace the secret and show the new one on this one page.

    `end=later` lets the former work on for a while, `end=now` ends it and what was got with it,
    `end=former` makes no new one and ends the former.
    """
    row, end = _find(request, pk), request.POST.get("end", "later")
    actor = request.user
    if end == "former":
        end_former_secret(actor=actor, application=row)
        messages.success(request, "The old secret and all tokens issued so far have ended.")
        return redirect("application", pk)
    try:
        made = rotate_secret(actor=actor, application=row, at_once=end == "now")
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("application", pk)
    return _show_secret(request, made)


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def application_active(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask before it is closed (GET); close it (`active=no`) or open it again (`active=yes`)."""
    row = _find(request, pk)
    if request.method != "POST":
        words = (
            "It can no longer be used. Its tokens end at once and for good; what it did stays on record. "
            "You can open it again later with the same client ID and secret."
        )
        return ask_to_close(request, "application", pk, name=str(row), words=words)
    is_active = request.POST.get("active") == "yes"
    set_application_active(actor=request.user, application=row, is_active=is_active)
    messages.success(request, "Opened again." if is_active else "Closed. What it held is revoked.")
    return redirect("application", pk)


def _find(request: PortalRequest, pk: uuid.UUID) -> OAuthApplication:
    rows = OAuthApplication.objects.select_related("service", "clinic")
    found: OAuthApplication = get_object_or_404(rows, pk=pk, clinic=request.clinic)
    return found


def _show_secret(request: PortalRequest, made: Registration) -> HttpResponse:
    return _show(request, _find(request, made.application.pk), secret=made.secret)


def _show(
    request: PortalRequest, row: OAuthApplication, *, status: int = 200, **changes: Any
) -> HttpResponse:
    now = {"name": row.name, "redirect_uris": "\n".join(row.redirect_uris.split())}
    context = {
        "application": row,
        "form": ApplicationChangeForm(initial=now, is_for_people=row.service is None),
        "overlap_hours": settings.DERMAPORT_OAUTH_OVERLAP_HOURS,
        "addresses": [
            ("Metadata", request.build_absolute_uri(reverse("oauth-metadata"))),
            ("Tokens", request.build_absolute_uri(reverse("oauth-token"))),
        ],
        "trail": [("Applications", reverse("applications")), (str(row), "")],
        **changes,
    }
    return render(request, "classifier/settings/application.html", context, status=status)
