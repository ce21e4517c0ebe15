"""Session timeout: until a while of idleness, and never beyond an absolute limit.

The server counts by the last request that a person made. Requests that a page makes by itself are
marked `@background` and don't count; a page in which somebody types says so now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.utils import timezone

from portal.trust.accounts.second_factor.step_up import ACTIVE, AWAY, pause_seconds
from portal.trust.accounts.sessions.sessions import is_over, is_superseded
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = TypeVar("View", bound=Callable[..., Any])

BEGAN = "session_began"
STAMP_SECONDS = 15.0
"""A write at most this often: the moment of the last request is known that well."""


def background(view: View) -> View:
    """Mark a view that pages ask by themselves: it keeps nobody logged in."""
    view.is_background = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def idle_seconds() -> float:
    """0: idleness ends nothing."""
    return float(settings.DERMAPORT_IDLE_MINUTES * 60)


def seconds_left(request: HttpRequest) -> tuple[float, str]:
    """Until this session ends unless something happens, and the reason: idle or absolute."""
    now = timezone.now().timestamp()
    left = request.session.get(BEGAN, now) + settings.SESSION_COOKIE_AGE - now, "absolute"
    if idle_seconds():
        idle = request.session.get(ACTIVE, now) + idle_seconds() - now, "idle"
        return min(left, idle)
    return left


@receiver(user_logged_in)
def begin(request: HttpRequest, **_: Any) -> None:
    """A new log-in starts both clocks, also where an older session went before it."""
    if request is not None and hasattr(request, "session"):
        request.session[BEGAN] = request.session[ACTIVE] = timezone.now().timestamp()


def stamp(request: HttpRequest) -> None:
    """Note that the person did something, in the session and in the list of sessions."""
    if is_superseded(request.session):
        return
    now = timezone.now().timestamp()
    request.session.setdefault(BEGAN, now)
    if now - (last := request.session.get(ACTIVE, now)) >= pause_seconds():
        # Not this moment: who confirmed themselves in this very request did so after the pause.
        request.session[AWAY] = last + pause_seconds()
    granularity = min(STAMP_SECONDS, idle_seconds() / 10 or STAMP_SECONDS)
    if now - request.session.get(ACTIVE, 0) >= granularity:
        request.session[ACTIVE] = now
        UserSession.objects.create_from_request(request)


def _is_act(request: HttpRequest) -> bool:
    """Whether a person did this. What a page asks by itself only reads."""
    match = request.resolver_match
    if match is None:
        return False
    return request.method == "POST" or not getattr(match.func, "is_background", False)


def _is_by_session(request: HttpRequest) -> bool:
    """Whether the session says who this is.

    Whoever came with a token is known by now too: no session is begun for them, and none that came
    along becomes theirs.
    """
    is_known: bool = request.user.is_authenticated
    return is_known and request.session.get(SESSION_KEY) == str(request.user.pk)


class SessionLimitsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            left, reason = seconds_left(request)
            if is_over(request.session):
                left, reason = 0, "superseded"
            if left <= 0:
                self._end(request, reason)
        response = self.get_response(request)
        if _is_by_session(request) and _is_act(request):
            stamp(request)
        if is_superseded(request.session):
            # Saved, its key would come back into a browser that has the new one by now.
            request.session.modified = False
        return response

    @staticmethod
    def _end(request: HttpRequest, reason: str) -> None:
        user: Any = request.user
        record_event(
            clinic_id=None, action="user.session_expired", actor=user, obj=user, details={"reason": reason}
        )
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        request.session.flush()
        request.user = AnonymousUser()
