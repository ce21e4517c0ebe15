"""A person's own tokens for programs: make, look over, revoke."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from classifier.views.access import page
from portal.accounts.access_forms import OwnTokenForm
from portal.accounts.api_tokens import clinics_of, make_own_token
from portal.accounts.errors import PeopleError
from portal.accounts.oauth.consents import select_consents, withdraw_consent
from portal.accounts.step_up import step_up
from portal.accounts.token_use import ApiBearer

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


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
    return OwnTokenForm(data, clinics=clinics_of(request.user))


def _show(request: PortalRequest, *, status: int = 200, **changes: Any) -> HttpResponse:
    context = {
        "form": _form(request),
        "tokens": ApiBearer.list_live(request.user),
        "consents": select_consents(request.user),
        **changes,
    }
    return render(request, "classifier/settings/tokens.html", context, status=status)
