"""Step-up authentication: confirm who one is before an act that counts: signing, exports, people, tokens.

The page that asks carries the whole of what was sent in hidden fields, so that the act goes on
with the confirmation, and nothing of a patient waits in a session.
"""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import render

from portal.trust.accounts.second_factor import codes
from portal.trust.accounts.sessions.sessions import renew_key
from portal.trust.audit.middleware import mark_asked
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from portal.trust.accounts.requests import PortalRequest


# --- Age of a confirmation ----------------------------------------------------------------------


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


# --- Ways to confirm ----------------------------------------------------------------------------


PREFIX = "step_up_"
"""Of the fields that hold a confirmation, beside those of the act itself."""
CODES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
TOO_MANY = "Too many tries. Wait a minute, then try again."


def list_ways(request: PortalRequest) -> dict[str, Any]:
    """What this person can confirm with, as the page's context."""
    user: Any = request.user
    types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    has_passkey = Authenticator.Type.WEBAUTHN in types
    return {
        "has_password": settings.DERMAPORT_LOCAL_LOGIN and user.has_usable_password(),
        "has_code": bool(types.intersection(CODES)),
        "passkey_options": _ask_for_passkey(request) if has_passkey else None,
    }


def _ask_for_passkey(request: PortalRequest) -> Any:
    """What the browser needs, as allauth's own page would say it; the challenge waits in the session."""
    view = ReauthenticateWebAuthnView()
    view.setup(request)
    return view.get_context_data()["js_data"]["request_options"]


def confirm(request: PortalRequest) -> str:
    """Check the password, code or passkey that was sent along; return what is wrong with it.

    "" where it is right, which the session then knows, and where none was sent.
    """
    given = {name: request.POST[PREFIX + name] for name in CHECKS if PREFIX + name in request.POST}
    if not given:
        return ""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return TOO_MANY
    method, value = next(iter(given.items()))
    trouble = CHECKS[method](request, value)
    user: Any = request.user
    action = "user.confirmation_failed" if trouble else "user.confirmed"
    record_event(clinic_id=None, action=action, actor=user, obj=user, details={"method": method})
    return trouble


def _check_password(request: PortalRequest, value: str) -> str:
    try:
        is_right = get_adapter(request).reauthenticate(request.user, value)
    except ValidationError as error:
        # Too many failures: the guard of log-ins says how to go on.
        return " ".join(error.messages)
    if not is_right:
        return "That is not your password."
    note_confirmation(request)
    # Who has a copy of the session's key must not act by a confirmation that was another's.
    renew_key(request)
    return ""


def _check_form(form: Any, words: str) -> str:
    if not form.is_valid():
        return words
    form.save()
    return ""


def _check_code(request: PortalRequest, value: str) -> str:
    form = codes.ReauthenticateForm(user=request.user, data={"code": value})
    if form.has_error("code", codes.TOO_MANY_CODE):
        return codes.TOO_MANY
    return _check_form(form, "This code is wrong or was used before. Wait for the next one.")


def _check_passkey(request: PortalRequest, value: str) -> str:
    form = ReauthenticateWebAuthnForm(user=request.user, data={"credential": value})
    return _check_form(form, "The passkey did not work. Try again.")


CHECKS = {"password": _check_password, "code": _check_code, "credential": _check_passkey}


NOT_KEPT = {"csrfmiddlewaretoken"}


def step_up(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for a confirmation before a POST to this view. Stands inside `@page`: rights come first."""

    @wraps(view)
    def wrapper(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return ask_again(request) or view(request, *args, **kwargs)

    return wrapper


def ask_again(request: PortalRequest, *, is_signing: bool = False) -> HttpResponse | None:
    """The page that asks, or None where the act may go on.

    `is_signing` is for reviews alone, which are signed one after the other (see `is_fresh`). To be asked
    is no refusal: the audit log gets no event of it. A wrong answer has its own.
    """
    if request.method != "POST" or not settings.DERMAPORT_STEP_UP_MINUTES:
        return None
    trouble = ""
    if not is_fresh(request, is_signing=is_signing):
        trouble = confirm(request)
    if not is_fresh(request, is_signing=is_signing):
        context = {"kept": list_kept(request), "trouble": trouble, **list_ways(request)}
        if trouble != TOO_MANY:
            mark_asked(request)
        return render(request, "account/step_up.html", context, status=403)
    # The act sees what was meant for it, and no password.
    request.POST = request.POST.copy()  # type: ignore[assignment]  # Django's type is of what came in
    for name in [name for name in request.POST if name.startswith(PREFIX)]:
        del request.POST[name]  # type: ignore[misc]  # as above: this is the copy
    return None


def list_kept(request: PortalRequest) -> list[tuple[str, str]]:
    """What was sent, without tokens and without what a confirmation needs."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in NOT_KEPT and not name.startswith(PREFIX)
    ]
