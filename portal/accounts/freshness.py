"""How lately somebody showed who they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from allauth.account.authentication import get_authentication_records
from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest

DEFAULT_MINUTES = 10


def is_fresh(request: HttpRequest) -> bool:
    """Whether this person logged in or confirmed themselves within the last minutes."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    latest = max((float(record["at"]) for record in records), default=0.0)
    allowed = settings.DERMAPORT_STEP_UP_MINUTES or DEFAULT_MINUTES
    return time.time() - latest < allowed * 60


def lacks_confirmation(request: HttpRequest) -> bool:
    """Whether an act that counts must wait until this session's person has confirmed themselves."""
    return bool(settings.DERMAPORT_STEP_UP_MINUTES) and not is_fresh(request)
