"""How allauth's social accounts serve single sign-on here: by one provider, never for signing up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.shortcuts import render

from portal.trust.accounts.login.sso.code_flow import SSORefusedError, admit, record_refusal
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin
    from django.http import HttpRequest, HttpResponse

INTERRUPTED = "The log-in was broken off or took too long. Start again."


class SSOAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002 (allauth's)
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = sociallogin.claims
        try:
            person = admit(claims)
        except SSORefusedError as error:
            record_refusal(error)
            raise ImmediateHttpResponse(show_refusal(request, error.message)) from error
        sociallogin.state["has_factor"] = claims.has_factor
        sociallogin.user = person
        if sociallogin.account.pk is None:
            sociallogin.connect(request, person)
            record_event(clinic_id=None, action="user.sso_linked", actor=person, obj=person)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,  # noqa: ARG002 (allauth's)
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 (allauth's)
    ) -> None:
        reason = type(exception).__name__ if exception else str(error)
        record_event(clinic_id=None, action="user.sso_failed", details={"reason": reason})
        raise ImmediateHttpResponse(show_refusal(request, INTERRUPTED))


def show_refusal(request: HttpRequest, message: str, status: int = 403) -> HttpResponse:
    return render(request, "account/sso_refused.html", {"message": message}, status=status)
