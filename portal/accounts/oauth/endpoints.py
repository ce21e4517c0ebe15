"""What programs call of the protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from allauth.core import ratelimit
from django.http import JsonResponse
from django.urls import reverse
from oauth2_provider import views as toolkit

from portal.accounts.oauth.nul import holds_nul
from portal.accounts.token_use import note_refusal
from portal.audit.middleware import mark_recorded

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

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
    note_refusal(None, f"oauth_{error}", once_for=str(request.META.get("REMOTE_ADDR")))
