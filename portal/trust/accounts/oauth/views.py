"""What programs call of the protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from allauth.core import ratelimit
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from oauth2_provider import views as toolkit
from oauth2_provider.models import RefreshToken

from portal.trust.accounts.login.limits import find_address
from portal.trust.accounts.models import OAuthApplication
from portal.trust.accounts.oauth.redirects import NUL, holds_nul
from portal.trust.accounts.oauth.server import may_act_for, revoke_application_tokens
from portal.trust.accounts.tokens.scopes import sort_scopes
from portal.trust.accounts.tokens.use import note_refusal
from portal.trust.audit.middleware import mark_recorded
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from portal.trust.accounts.models import User
    from portal.trust.accounts.requests import PortalRequest


ROUTES = {"authorize": "oauth-authorize", "token": "oauth-token", "revoke-token": "oauth-revoke"}


class TokenView(toolkit.TokenView):
    """Codes, credentials and refresh tokens become access tokens here."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        response = _refuse_early(request) or self.authorization_flow_token_response(request)
        _note_failure(request, response)
        return response


class RevokeView(toolkit.RevokeTokenView):
    """RFC 7009: a client gives a token back."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = _refuse_early(request) or super().post(request, *args, **kwargs)
        _note_failure(request, response)
        return response


class MetadataView(toolkit.OAuthServerMetadataView):
    """RFC 8414: where everything is and what it takes."""

    http_method_names = ["get", "head"]

    def _get_endpoint_url(self, request: HttpRequest, view_name: str, required: bool = False) -> str | None:  # noqa: ARG002, FBT001, FBT002 (the toolkit's)
        name = ROUTES.get(view_name)
        return request.build_absolute_uri(reverse(name)) if name else None


def _refuse_early(request: HttpRequest) -> HttpResponse | None:
    if not ratelimit.consume(request, action="oauth"):
        return JsonResponse({"error": "temporarily_unavailable"}, status=429, headers={"Retry-After": "60"})
    if holds_nul(request.POST):
        return JsonResponse({"error": "invalid_request"}, status=400)
    return None


def _note_failure(request: HttpRequest, response: HttpResponse) -> None:
    if response.status_code in (200, 429):
        return
    error = str(json.loads(response.content or b"{}").get("error", "unknown"))
    mark_recorded(request)
    note_refusal(None, f"oauth_{error}", once_for=find_address(request))


# --- Consent page -------------------------------------------------------------------------------
# The one page of the protocol that people see: they let an application in, or not.


@method_decorator(never_cache, name="dispatch")
class AuthorizeView(toolkit.AuthorizationView):
    """A person reads what an application asks for, and agrees or refuses."""

    http_method_names = ["get", "head", "post"]
    template_name = "oauth/consent.html"
    application: OAuthApplication | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            self.application = _find_application(request)
            if self.application is None and request.method == "POST":
                raise BadRequest("There is no such application.")
            if self.application is not None and not may_act_for(self.application, request.user):
                raise PermissionDenied(
                    "Only people of the clinic that registered it can use this application."
                )
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if holds_nul(request.GET):
            return self.render_to_response({"error": {"error": "invalid_request"}}, status=400)
        # With it a client would ask to be let in again without the page.
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)
        request.GET = asked  # type: ignore[assignment]  # Django's type is of what came in
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The toolkit looks at the address only after a yes, and would carry a no to any.
        address = request.POST.get("redirect_uri", "")
        if self.application is None or not self.application.redirect_uri_allowed(address):
            raise BadRequest("This is no address of the application.")
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def create_authorization_response(
        self, request: PortalRequest, scopes: str, credentials: Any, allow: Any
    ) -> Any:
        application: Any = self.application
        action = "application.authorized" if allow else "application.declined"
        with transaction.atomic():
            record_event(
                clinic_id=application.clinic_id,
                action=action,
                actor=request.user,
                obj=application,
                details={"scopes": sort_scopes(scopes.split())},
            )
            if allow:
                return super().create_authorization_response(request, scopes, credentials, allow)
        return super().create_authorization_response(request, scopes, credentials, allow)

    def redirect(self, redirect_to: str, application: OAuthApplication | None) -> HttpResponse:
        response: HttpResponse = super().redirect(redirect_to, application or self.application)
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        if self.application is not None and "error" not in context:
            # Browsers hold a form to this list on the redirect that answers it, too.
            setattr(response, "_csp_update", {"form-action": _list_origins(self.application)})  # noqa: B010 (django-csp's)
        return response


def _find_application(request: HttpRequest) -> OAuthApplication | None:
    given = request.POST if request.method == "POST" else request.GET
    client_id = given.get("client_id", "")
    if NUL in client_id:
        return None
    rows = OAuthApplication.objects.filter(client_id=client_id, is_active=True)
    found: OAuthApplication | None = rows.select_related("clinic").first()
    return found


def _list_origins(application: OAuthApplication) -> list[str]:
    origins = []
    for uri in application.redirect_uris.split():
        parts = urlsplit(uri)
        # An app on the device takes whatever port is free when it asks.
        origins.append(f"http://{parts.hostname}:*" if parts.scheme == "http" else f"https://{parts.netloc}")
    return origins


# --- Connected applications ---------------------------------------------------------------------


def select_consents(person: User) -> QuerySet[OAuthApplication]:
    """Applications that can act for this person until it is withdrawn."""
    held = RefreshToken.objects.filter(user=person, revoked__isnull=True).values("application")
    found: QuerySet[OAuthApplication] = OAuthApplication.objects.filter(pk__in=held).select_related("clinic")
    return found


def withdraw_consent(*, actor: User, application: OAuthApplication) -> None:
    """End what this application holds of `actor`; it has to ask again."""
    with transaction.atomic():
        ended = revoke_application_tokens(user=actor, application=application)
        record_event(
            clinic_id=application.clinic_id,
            action="application.withdrawn",
            actor=actor,
            obj=application,
            details={"tokens_revoked": ended},
        )
