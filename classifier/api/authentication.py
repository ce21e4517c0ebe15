"""Authentication: `Authorization: Bearer` with a personal or an OAuth token, or a session in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.throttling import BaseThrottle

from classifier.drf.permissions import ScopeMissing, require_scope
from portal.trust.accounts.second_factor.codes import MFA_REQUIRED, MFA_WORDS, lacks_factor
from portal.trust.accounts.tokens.scopes import SCOPES
from portal.trust.accounts.tokens.use import UNKNOWN, Bearer, TokenRefusedError, find_token, note_refusal
from portal.trust.audit.middleware import mark_recorded

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.request import Request

    from portal.trust.accounts.models import User


class BearerAuthentication(TokenAuthentication):
    """A token acts with its own scopes and its owner's role, whichever allows less."""

    def authenticate(self, request: Request) -> tuple[User, Bearer] | None:
        try:
            found: tuple[User, Bearer] | None = super().authenticate(request)
        except TokenRefusedError as error:
            if error.code == UNKNOWN:
                note_refusal(None, UNKNOWN, once_for=BaseThrottle().get_ident(request))
            mark_recorded(request._request)  # noqa: SLF001 (Django's own, which the middleware sees)
            raise AuthenticationFailed(error.message) from error
        if found is not None:
            _check_factor(request, found[1])
            _check_scope(request, found[1])
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, Bearer]:
        # Tokens are printable ASCII; other bytes don't decode, and PostgreSQL refuses a NUL.
        if not token.isascii() or not token.decode().isprintable():
            raise AuthenticationFailed("Invalid token.")
        found = find_token(token.decode())
        return found.user, found


def _check_factor(request: Request, token: Bearer) -> None:
    """Tokens made before a role needed a second factor wait until there is one."""
    if lacks_factor(token.user):
        note_refusal(token, MFA_REQUIRED)
        mark_recorded(request._request)  # noqa: SLF001
        raise PermissionDenied(MFA_WORDS, MFA_REQUIRED)


def _check_scope(request: Request, token: Bearer) -> None:
    try:
        require_scope(request.parser_context["view"], request.method or "", token.scopes)
    except ScopeMissing as error:
        note_refusal(token, error.default_code, scope=error.scope)
        mark_recorded(request._request)  # noqa: SLF001
        raise


class BearerScheme(OpenApiAuthenticationExtension):
    """Two ways to the same header: a token of the page, or one that an OAuth client gets."""

    target_class = BearerAuthentication
    name = ["bearer", "oauth2"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        stated = getattr(auto_schema.view, "scopes", {}).get(auto_schema.method)
        return [{"bearer": []}, {"oauth2": [stated] if stated else []}]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:  # noqa: ARG002
        token_url = reverse("oauth-token")
        ends = {"tokenUrl": token_url, "refreshUrl": token_url, "scopes": SCOPES}
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A token from the page API tokens or from `POST /api/v1/token/`.",
            },
            {
                "type": "oauth2",
                "description": "For applications that a clinic registered. PKCE with S256 is required.",
                "flows": {
                    "authorizationCode": {"authorizationUrl": reverse("oauth-authorize"), **ends},
                    "clientCredentials": {"tokenUrl": token_url, "scopes": SCOPES},
                },
            },
        ]
