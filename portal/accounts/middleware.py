"""The clinic a person works in now: remembered in the session, checked on every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.accounts.models import Membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

SESSION_KEY = "clinic"


class CurrentClinicMiddleware:
    """Set `request.membership` and `request.clinic` (both None for nobody and outsiders)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.memberships = []  # type: ignore[attr-defined]
        if request.user.is_authenticated and not request.path.startswith(("/static/", "/health/")):
            request.memberships = list(  # type: ignore[attr-defined]
                Membership.objects.held_by(request.user).select_related("clinic").order_by("clinic__name")
            )
        chosen = request.session.get(SESSION_KEY) if request.memberships else None  # type: ignore[attr-defined]
        membership = next(
            (m for m in request.memberships if str(m.clinic_id) == chosen),  # type: ignore[attr-defined]
            request.memberships[0] if request.memberships else None,  # type: ignore[attr-defined]
        )
        request.membership = membership  # type: ignore[attr-defined]
        request.clinic = membership.clinic if membership else None  # type: ignore[attr-defined]
        return self.get_response(request)
