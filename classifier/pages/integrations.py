"""What lets programs in: a person's tokens, service accounts, OAuth applications; and the addresses of interfaces."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.domain.vocabulary import CHOSEN_EVENTS
from classifier.fhir.capability import build_capability_statement
from classifier.fhir.viewer import find_base
from classifier.pages.access import page
from classifier.pages.forms.fields import carry_shown, read_changes
from classifier.pages.people import ask_to_close
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, OAuthApplication
from portal.trust.accounts.oauth.application_secrets import end_former_secret, rotate_secret
from portal.trust.accounts.oauth.applications import (
    register_application,
    set_application_active,
    update_application,
)
from portal.trust.accounts.oauth.views import select_consents, withdraw_consent
from portal.trust.accounts.people.forms import (
    ApplicationChangeForm,
    ApplicationForm,
    OwnTokenForm,
    ServiceForm,
    ServiceTokenForm,
)
from portal.trust.accounts.people.service_accounts import (
    make_service,
    make_service_token,
    revoke_service_token,
    select_services,
    set_service_active,
)
from portal.trust.accounts.roles import Action
from portal.trust.accounts.second_factor.step_up import step_up
from portal.trust.accounts.tokens.scopes import SCOPES
from portal.trust.accounts.tokens.tokens import make_own_token
from portal.trust.accounts.tokens.use import ApiBearer

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.models import Membership
    from portal.trust.accounts.oauth.applications import Registration
    from portal.trust.accounts.requests import PortalRequest


@page()
@require_http_methods(["GET", "HEAD", "POST"])
@step_up
def tokens(request: PortalRequest) -> HttpResponse:
    """One's tokens; POST makes one and shows it on this one page: the database keeps a hash."""
    if request.method != "POST":
        return _show(request)
    form = _form(request, request.POST)
    if form.is_valid():
        given = form.cleaned_data
        clinic = given.pop("clinic")
        try:
            issued = make_own_token(
                actor=request.user,
                clinic_id=clinic.pk if clinic else None,
                **given,
            )
        except PeopleError as error:
            form.add_error(error.field or None, error.message)
        else:
            return _show(request, issued=issued)
    return _show(request, status=400, form=form)


@page()
@require_POST
def token_revoke(request: PortalRequest) -> HttpResponse:
    token = ApiBearer.find_of(request.user, request.POST.get("token", ""))
    if token is None:
        raise Http404
    token.end()
    messages.success(request, "Token revoked. Programs that used it can no longer log in.")
    return redirect("tokens")


@page()
@require_POST
def application_withdraw(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Stop an application from acting for oneself."""
    user = request.user
    application = get_object_or_404(select_consents(user), pk=pk)
    withdraw_consent(actor=user, application=application)
    messages.success(request, "Stopped. The application has to ask you again.")
    return redirect("tokens")


def _form(request: PortalRequest, data: Any = None) -> OwnTokenForm:
    return OwnTokenForm(data, clinics=Clinic.objects.visible_to(request.user))


def _show(request: PortalRequest, *, status: int = 200, **changes: Any) -> HttpResponse:
    context = {
        "form": _form(request),
        "tokens": ApiBearer.list_live(request.user),
        "consents": select_consents(request.user),
        **changes,
    }
    return render(request, "classifier/settings/tokens.html", context, status=status)


# --- Service accounts ---------------------------------------------------------------------------


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
            return _show_accounts(request, membership, form=ServiceTokenForm(), issued=issued)
    return _show_accounts(request, membership, form=form, status=400 if form.errors else 200)


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


def _show_accounts(
    request: PortalRequest, row: Membership, *, status: int = 200, **changes: Any
) -> HttpResponse:
    context = {
        "service": row,
        "tokens": ApiBearer.list_live(row.user),
        "breadcrumb": [("Service accounts", reverse("services")), (str(row.user), "")],
        **changes,
    }
    return render(request, "classifier/settings/service.html", context, status=status)


# --- OAuth applications -------------------------------------------------------------------------


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
    row = _find_application(request, pk)
    if request.method != "POST":
        return _show_applications(request, row)
    form = carry_shown(ApplicationChangeForm(request.POST, is_for_people=row.service is None))
    if form.is_valid():
        try:
            update_application(actor=request.user, application=row, **read_changes(form))
        except PeopleError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, "Application saved.")
            return redirect("application", pk)
    return _show_applications(request, row, form=form, status=400)


@page(Action.ADMINISTER)
@require_POST
@step_up
def application_secret(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """Replace the secret and show the new one on this one page.

    `end=later` lets the former work on for a while, `end=now` ends it and what was got with it,
    `end=former` makes no new one and ends the former.
    """
    row, end = _find_application(request, pk), request.POST.get("end", "later")
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
    row = _find_application(request, pk)
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


def _find_application(request: PortalRequest, pk: uuid.UUID) -> OAuthApplication:
    rows = OAuthApplication.objects.select_related("service", "clinic")
    found: OAuthApplication = get_object_or_404(rows, pk=pk, clinic=request.clinic)
    return found


def _show_secret(request: PortalRequest, made: Registration) -> HttpResponse:
    return _show_applications(request, _find_application(request, made.application.pk), secret=made.secret)


def _show_applications(
    request: PortalRequest, row: OAuthApplication, *, status: int = 200, **changes: Any
) -> HttpResponse:
    now = {"name": row.name, "redirect_uris": "\n".join(row.redirect_uris.split())}
    context = {
        "application": row,
        "form": carry_shown(ApplicationChangeForm(initial=now, is_for_people=row.service is None)),
        "overlap_hours": settings.DERMAPORT_OAUTH_OVERLAP_HOURS,
        "addresses": [
            ("Metadata", request.build_absolute_uri(reverse("oauth-metadata"))),
            ("Tokens", request.build_absolute_uri(reverse("oauth-token"))),
        ],
        "breadcrumb": [("Applications", reverse("applications")), (str(row), "")],
        **changes,
    }
    return render(request, "classifier/settings/application.html", context, status=status)


# --- Interfaces ---------------------------------------------------------------------------------


@page(operators=True)
@require_safe
def interfaces(request: PortalRequest) -> HttpResponse:
    def at(route: str) -> str:
        return request.build_absolute_uri(reverse(route))

    context = {
        "api_address": at("api-me").removesuffix("me/"),
        "fhir_address": find_base(request),
        "token_address": at("oauth-token"),
        "authorize_address": at("oauth-authorize"),
        "scopes": SCOPES,
        "events": CHOSEN_EVENTS,
    }
    return render(request, "classifier/settings/interfaces.html", context)


@page(operators=True)
@require_safe
def interfaces_fhir(request: PortalRequest) -> HttpResponse:
    """The CapabilityStatement as a page."""
    token_address = request.build_absolute_uri(reverse("api-token"))
    statement = build_capability_statement(base=find_base(request), token_url=token_address)
    context = {
        "fhir_address": find_base(request),
        "server": statement["rest"][0],
        "breadcrumb": [("Interfaces", reverse("interfaces")), ("FHIR R4", "")],
    }
    return render(request, "classifier/settings/interfaces_fhir.html", context)
