"""OAuth applications of the clinic, for its administrators."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.views.access import page
from portal.accounts.access_forms import ApplicationForm
from portal.accounts.errors import PeopleError
from portal.accounts.models import OAuthApplication
from portal.accounts.oauth.applications import (
    register_application,
    rotate_secret,
    set_application_active,
)
from portal.accounts.roles import Action
from portal.accounts.service_accounts import select_services
from portal.accounts.step_up import step_up

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.accounts.oauth.applications import Registration


@page(Action.ADMINISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def applications(request: HttpRequest) -> HttpResponse:
    """The clinic's applications; POST registers one and shows its secret on this one page."""
    clinic: Any = request.clinic  # type: ignore[attr-defined]
    services = select_services(clinic).filter(user__is_active=True)
    form = ApplicationForm(request.POST or None, services=services)
    if request.method == "POST" and form.is_valid():
        try:
            made = register_application(actor=request.user, clinic=clinic, **form.cleaned_data)  # type: ignore[arg-type]
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
@require_safe
def application(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _show(request, _find(request, pk))


@page(Action.ADMINISTER)
@require_POST
@step_up
def application_secret(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Replace the secret and show the new one on this one page."""
    try:
        made = rotate_secret(actor=request.user, application=_find(request, pk))  # type: ignore[arg-type]
    except PeopleError as error:
        messages.error(request, error.message)
        return redirect("application", pk)
    return _show_secret(request, made)


@page(Action.ADMINISTER)
@require_POST
def application_active(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Close the application (`active=no`) or open it again (`active=yes`)."""
    is_active = request.POST.get("active") == "yes"
    set_application_active(actor=request.user, application=_find(request, pk), is_active=is_active)  # type: ignore[arg-type]
    messages.success(request, "Opened again." if is_active else "Closed. What it held is revoked.")
    return redirect("application", pk)


def _find(request: HttpRequest, pk: uuid.UUID) -> OAuthApplication:
    rows = OAuthApplication.objects.select_related("service", "clinic")
    return get_object_or_404(rows, pk=pk, clinic=request.clinic)  # type: ignore[attr-defined]


def _show_secret(request: HttpRequest, made: Registration) -> HttpResponse:
    return _show(request, _find(request, made.application.pk), secret=made.secret)


def _show(request: HttpRequest, row: OAuthApplication, **changes: Any) -> HttpResponse:
    context = {
        "application": row,
        "addresses": [
            ("Metadata", request.build_absolute_uri(reverse("oauth-metadata"))),
            ("Tokens", request.build_absolute_uri(reverse("oauth-token"))),
        ],
        "trail": [("Applications", reverse("applications")), (str(row), "")],
        **changes,
    }
    return render(request, "classifier/settings/application.html", context)
