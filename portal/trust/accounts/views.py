"""Small acts of a person that belong to no page: another clinic, another theme."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.trust.accounts.context import THEMES
from portal.trust.accounts.middleware import SESSION_KEY

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.requests import SiteRequest

YEAR = 365 * 24 * 3600


@require_POST
@login_required
def clinic_switch(request: SiteRequest) -> HttpResponse:
    """Work in another clinic of one's own; any other clinic does not exist (404)."""
    try:
        wanted = uuid.UUID(request.POST.get("clinic", ""))
    except ValueError:
        raise Http404 from None
    memberships = request.memberships
    if wanted not in {membership.clinic_id for membership in memberships}:
        raise Http404
    request.session[SESSION_KEY] = str(wanted)
    chosen = next(m for m in memberships if m.clinic_id == wanted)
    messages.success(
        request, f"You work in {chosen.clinic.name} now, as {chosen.get_role_display().lower()}."
    )
    # The page one comes from belongs to the other clinic.
    return redirect("home")


@require_POST
def theme(request: SiteRequest) -> HttpResponse:
    """Keep light, dark or auto in a cookie that script may read, and go back."""
    chosen = request.POST.get("theme", "")
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = resolve_url("home")
    response = HttpResponseRedirect(target)
    if chosen == "auto":
        response.delete_cookie("theme", samesite="Lax")
    elif chosen in THEMES:
        response.set_cookie(
            "theme", chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure(), path="/"
        )
    return response
