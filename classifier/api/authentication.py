"""Who calls: `Authorization: Bearer dp_…`, or a person's own session in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from portal.accounts.second_factor import MFA_REQUIRED, MFA_WORDS, lacks_factor

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from knox.models import AuthToken

    from portal.accounts.models import User


class BearerAuthentication(TokenAuthentication):
    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        # Tokens are printable ASCII; other bytes don't decode, and PostgreSQL refuses a NUL.
        if not token.isascii() or not token.decode().isprintable():
            raise AuthenticationFailed("Invalid token.")
        user, found = super().authenticate_credentials(token)
        # Tokens made before a role needed a second factor wait until there is one.
        if lacks_factor(user):
            raise PermissionDenied(MFA_WORDS, MFA_REQUIRED)
        return user, found


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `POST /api/v1/token/`.",
        }
