"""Logging out ends what the session opened in an emergency; the log-out is announced by a signal only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver

from classifier.middleware import SESSION_KEY
from classifier.models import EmergencyAccess
from classifier.services.emergencies import end_emergency

if TYPE_CHECKING:
    from django.http import HttpRequest

    from portal.accounts.models import User


@receiver(user_logged_out)
def end_emergencies_of_session(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if request is None or user is None:
        return
    keys = request.session.get(SESSION_KEY, ())
    for access in EmergencyAccess.objects.live().filter(pk__in=keys, user=user):
        end_emergency(actor=user, access=access)
