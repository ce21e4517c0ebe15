"""Mandatory second factor: nobody whose role needs one does anything before they have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from portal.trust.accounts.login.sso.code_flow import SESSION_KEY
from portal.trust.accounts.second_factor.codes import MFA_REQUIRED, MFA_WORDS, lacks_factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.trust.accounts.requests import SiteRequest

PROGRAMS = ("/api/", "/fhir/", "/oauth/token/", "/oauth/revoke/", "/.well-known/")
"""Where answers are for programs: an error there is data, not a page."""

OPEN = (
    *("/static/", "/health/", "/accounts/2fa/", "/accounts/reauthenticate/"),
    *("/accounts/logout/", "/accounts/session/", "/theme/"),
)


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[SiteRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        memberships = request.memberships
        if (
            not request.path.startswith(OPEN)
            and not request.session.get(SESSION_KEY)
            and lacks_factor(request.user, memberships)
        ):
            return send_to_enrolment(request)
        return self.get_response(request)


def send_to_enrolment(request: SiteRequest) -> HttpResponse:
    address = reverse("mfa_index")
    if request.path.startswith(PROGRAMS):
        return refuse_program(MFA_REQUIRED, MFA_WORDS)
    if request.htmx:
        # A fragment can't hold the page; htmx goes there by this header.
        return HttpResponse(status=403, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def refuse_program(code: str, words: str) -> JsonResponse:
    """The API's shape of an error, for what is refused before the API is reached."""
    problem = {
        "type": f"/api/v1/errors/#{code}",
        "title": "Second factor needed",
        "status": 403,
        "code": code,
        "detail": words,
        "fields": [],
    }
    return JsonResponse(problem, status=403, content_type="application/problem+json")
