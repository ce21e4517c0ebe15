"""Current clinic: where a person works now, kept in the session and checked on every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.trust.accounts.models import Membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from portal.trust.accounts.requests import SiteRequest

SESSION_KEY = "clinic"


class CurrentClinicMiddleware:
    """Set `request.membership` and `request.clinic` (both None for nobody and outsiders)."""

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        request.memberships = []
        if request.user.is_authenticated and not request.path.startswith(("/static/", "/health/")):
            request.memberships = list(
                Membership.objects.held_by(request.user).select_related("clinic").order_by("clinic__name")
            )
        chosen = request.session.get(SESSION_KEY) if request.memberships else None
        membership = next(
            (m for m in request.memberships if str(m.clinic_id) == chosen),
            request.memberships[0] if request.memberships else None,
        )
        request.membership = membership
        request.clinic = membership.clinic if membership else None
        return self.get_response(request)
