"""The ways in which a person who is logged in shows once more who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.conf import settings
from django.core.exceptions import ValidationError

from portal.accounts import code_forms
from portal.accounts.freshness import note_confirmation
from portal.accounts.session_keys import renew_key
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.requests import PortalRequest

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
    form = code_forms.ReauthenticateForm(user=request.user, data={"code": value})
    if form.has_error("code", code_forms.TOO_MANY_CODE):
        return code_forms.TOO_MANY
    return _check_form(form, "This code is wrong or was used before. Wait for the next one.")


def _check_passkey(request: PortalRequest, value: str) -> str:
    form = ReauthenticateWebAuthnForm(user=request.user, data={"credential": value})
    return _check_form(form, "The passkey did not work. Try again.")


CHECKS = {"password": _check_password, "code": _check_code, "credential": _check_passkey}
