"""Who calls: `Authorization: Bearer dp_…`, or a person's own session in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from knox.models import AuthToken

    from portal.accounts.models import User


class BearerAuthentication(TokenAuthentication):
    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        # Tokens are printable ASCII; other bytes don't decode, and PostgreSQL refuses a NUL.
        if not token.isascii() or not token.decode().isprintable():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from `POST /api/v1/token/`.",
        }
