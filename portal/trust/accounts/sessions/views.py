"""Sessions: the list of one's own, and what a page asks about the one it lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.trust.accounts.sessions.limits import background, seconds_left, stamp
from portal.trust.accounts.sessions.sessions import end_sessions, list_sessions

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest, SiteRequest


@require_safe
@login_required
def sessions(request: PortalRequest) -> HttpResponse:
    UserSession.objects.create_from_request(request)
    rows = list_sessions(user=request.user, current_key=request.session.session_key)
    return render(request, "account/sessions.html", {"sessions": rows})


@require_POST
@login_required
def session_end(request: PortalRequest) -> HttpResponse:
    """End one session (`session=`), or without one every session but this."""
    key = request.session.session_key
    number = request.POST.get("session")
    if number is None:
        count = end_sessions(actor=request.user, current_key=key)
        messages.success(request, f"Ended everywhere else: {count}.")
        return redirect("sessions")
    if not number.isdecimal() or not end_sessions(actor=request.user, current_key=key, pk=int(number)):
        raise Http404
    messages.success(request, "Session ended. Whoever used it is logged out.")
    return redirect("sessions")


@background
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def session_status(request: SiteRequest) -> HttpResponse:
    """Who is logged in here, in which clinic and for how long. POST: somebody is at the keyboard.

    With the token that forms need now: a log-in in another tab makes that of an open page worthless, and
    the cookie that holds it has a name that depends on how the site is run.
    """
    if not request.user.is_authenticated:
        return JsonResponse({"person": None, "clinic": None, "seconds_left": 0})
    if request.method == "POST":
        stamp(request)
    clinic = request.clinic
    left, reason = seconds_left(request)
    return JsonResponse(
        {
            "person": str(request.user.pk),
            "clinic": str(clinic.pk) if clinic else None,
            "seconds_left": round(left),
            "reason": reason,
            "csrf_token": get_token(request),
        }
    )


@require_safe
@login_required
def session_back(request: PortalRequest) -> HttpResponse:
    """Where a log-in in a second tab ends: the first one goes on by itself."""
    return render(request, "account/session_back.html")
