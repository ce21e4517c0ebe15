"""Where other systems reach this site, and where it is written what they can do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from classifier.views.access import page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(operators=True)
@require_safe
def interfaces(request: HttpRequest) -> HttpResponse:
    def at(route: str) -> str:
        return request.build_absolute_uri(reverse(route))

    context = {
        "api_address": at("api-me").removesuffix("me/"),
        "fhir_address": at("fhir-base").removesuffix("/"),
        "token_address": at("oauth-token"),
        "authorize_address": at("oauth-authorize"),
    }
    return render(request, "classifier/settings/interfaces.html", context)
