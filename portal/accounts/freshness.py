"""How lately somebody showed who they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from allauth.account.authentication import get_authentication_records
from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest

CONFIRMED = "session_confirmed"
"""In the session: when the person last confirmed themselves by their password."""
ACTIVE, AWAY = "session_active", "session_away"
"""In the session: when the person last did something, and since when they last counted as away."""
DEFAULT_MINUTES = 10
IDLE_MINUTES = 15
"""A pause that ends a reading session, where idleness ends no session of the portal."""


def is_fresh(request: HttpRequest, *, is_signing: bool = False) -> bool:
    """Whether this person logged in or confirmed themselves lately enough.

    For most acts within the last minutes. Somebody who reads and signs one case after the other is asked
    once (`is_signing`): a confirmation holds for the hours of a reading session, as long as they go on
    working; a pause as long as the one that ends a session of the portal ends it.
    """
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    moments = [request.session.get(CONFIRMED, 0.0), *(record["at"] for record in records)]
    latest = float(max(moments))
    age = time.time() - latest
    if age < (settings.DERMAPORT_STEP_UP_MINUTES or DEFAULT_MINUTES) * 60:
        return True
    hours = settings.DERMAPORT_SIGNING_SESSION_HOURS
    return is_signing and age < hours * 3600 and not _paused_since(request, latest)


def note_confirmation(request: HttpRequest) -> None:
    request.session[CONFIRMED] = time.time()


def _paused_since(request: HttpRequest, moment: float) -> bool:
    """Whether nobody did anything in this session for a while, at some time after `moment`."""
    now, session = time.time(), request.session
    return bool(now - session.get(ACTIVE, now) >= pause_seconds() or session.get(AWAY, 0.0) > moment)


def pause_seconds() -> float:
    """How long nothing must happen in a session until the person counts as away."""
    return float(settings.DERMAPORT_IDLE_MINUTES or IDLE_MINUTES) * 60


def lacks_confirmation(request: HttpRequest, *, is_signing: bool = False) -> bool:
    """Whether an act that counts must wait until this session's person has confirmed themselves."""
    return bool(settings.DERMAPORT_STEP_UP_MINUTES) and not is_fresh(request, is_signing=is_signing)
