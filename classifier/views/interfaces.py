"""Where other systems reach this site, and where it is written what they can do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from classifier.fhir.capability import build_capability_statement
from classifier.fhir.viewer import find_base
from classifier.views.access import page
from classifier.vocabulary import CHOSEN_EVENTS
from portal.accounts.scopes import SCOPES

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


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
        "trail": [("Interfaces", reverse("interfaces")), ("FHIR R4", "")],
    }
    return render(request, "classifier/settings/interfaces_fhir.html", context)
