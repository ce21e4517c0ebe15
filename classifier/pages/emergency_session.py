"""Emergency access of the session: checked on every request, and hung on its user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver

from classifier.models import EmergencyAccess
from classifier.privacy.emergency_access import end_emergency
from portal.trust.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from portal.trust.accounts.models import User
    from portal.trust.accounts.requests import SiteRequest


SESSION_KEY = "emergencies"


class EmergencyMiddleware:
    """Set `request.emergencies` and the same on `request.user`; after the current clinic's middleware.

    It costs a query only in a session that opened a patient. Who loses the place from which they
    opened it loses this with it, and so does who becomes a member of the patient's clinic.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        found = self._load(request) if request.memberships else []
        request.emergencies = found
        if found and request.user.is_authenticated:
            request.user.emergencies = found
        return self.get_response(request)

    def _load(self, request: SiteRequest) -> list[EmergencyAccess]:
        keys = request.session.get(SESSION_KEY)
        if not keys or not request.user.is_authenticated:
            return []
        roles = ROLES_ALLOWED[Action.BREAK_GLASS]
        homes = [m.clinic_id for m in request.memberships if m.role in roles and not m.is_guest]
        rows = EmergencyAccess.objects.live().filter(pk__in=keys, user=request.user, home_clinic__in=homes)
        members = [m.clinic_id for m in request.memberships]
        return list(rows.exclude(clinic__in=members).select_related("patient", "clinic", "home_clinic"))


# --- Log-out ------------------------------------------------------------------------------------
# It ends what the session opened in an emergency, and is announced by a signal only.


@receiver(user_logged_out)
def end_emergencies_of_session(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if request is None or user is None:
        return
    keys = request.session.get(SESSION_KEY, ())
    for access in EmergencyAccess.objects.live().filter(pk__in=keys, user=user):
        end_emergency(actor=user, access=access)
