"""Rate limits: calls a minute, for each token or application and for each clinic of its owner."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from classifier.intake.rate_limits import MINUTE_SECONDS, count_call
from portal.trust.accounts.models import Membership

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView


@dataclass(frozen=True)
class Allowance:
    """What is left in this minute, by the limit that is nearest."""

    limit: int
    remaining: int
    reset: int


class CallRateThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return True
        limits = find_limits(request)
        counted = count_call(keys=limits)
        nearest = min(limits, key=lambda key: limits[key] - counted[key])
        left = limits[nearest] - counted[nearest]
        view.allowance = Allowance(limits[nearest], max(0, left), seconds_left())  # type: ignore[attr-defined]  # told by add_rate_limit_headers
        return left >= 0

    def wait(self) -> float:
        return seconds_left()


def find_limits(request: Request) -> dict[str, int]:
    """Calls a minute by key: who calls, and each of their clinics."""
    clinics = Membership.objects.held_by(request.user).order_by().values_list("clinic_id", flat=True)
    return {
        name_caller(request): settings.DERMAPORT_API_CALLS_PER_MINUTE,
        **{f"clinic:{pk}": settings.DERMAPORT_API_CLINIC_CALLS_PER_MINUTE for pk in clinics},
    }


def name_caller(request: Request) -> str:
    """The token as it is counted, or the person of a session."""
    token: Any = request.auth
    return str(token.counted_as) if token is not None else f"User:{request.user.pk}"


def seconds_left() -> int:
    return MINUTE_SECONDS - int(time.time()) % MINUTE_SECONDS


def add_rate_limit_headers(response: Response, view: APIView) -> None:
    allowance: Allowance | None = getattr(view, "allowance", None)
    if allowance is not None:
        response["RateLimit-Limit"] = str(allowance.limit)
        response["RateLimit-Remaining"] = str(allowance.remaining)
        response["RateLimit-Reset"] = str(allowance.reset)
