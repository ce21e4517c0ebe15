"""What the OAuth server offers: two grants and the renewal of the first, PKCE by S256 alone.

The toolkit's own server also carries the implicit, password and device grants, and "plain" PKCE;
what isn't here can't be switched on by a row in the database.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar

from oauthlib.oauth2.rfc6749.endpoints.authorization import AuthorizationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.resource import ResourceEndpoint
from oauthlib.oauth2.rfc6749.endpoints.revocation import RevocationEndpoint
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.grant_types import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from oauthlib.oauth2.rfc6749.tokens import BearerToken

if TYPE_CHECKING:
    from typing import Any

# A word before each, so that a secret found in a log or a repository tells what it opens.
ACCESS_PREFIX, REFRESH_PREFIX, CLIENT_SECRET_PREFIX = "dpo_", "dpr_", "dps_"
SECRET_BYTES = 48


def generate_access_token(_: Any) -> str:
    return ACCESS_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def generate_refresh_token(_: Any) -> str:
    return REFRESH_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def generate_client_secret() -> str:
    return CLIENT_SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


class CodeGrant(AuthorizationCodeGrant):
    _code_challenge_methods: ClassVar = {"S256": AuthorizationCodeGrant._code_challenge_methods["S256"]}  # noqa: SLF001 (no other way)


class Server(AuthorizationEndpoint, TokenEndpoint, ResourceEndpoint, RevocationEndpoint):
    def __init__(
        self,
        request_validator: Any,
        *,
        token_expires_in: int | None = None,
        token_generator: Any = None,
        refresh_token_generator: Any = None,
        **_: Any,
    ) -> None:
        code = CodeGrant(request_validator)
        bearer = BearerToken(request_validator, token_generator, token_expires_in, refresh_token_generator)
        AuthorizationEndpoint.__init__(
            self, default_response_type="code", response_types={"code": code}, default_token_type=bearer
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={
                "authorization_code": code,
                "client_credentials": ClientCredentialsGrant(request_validator),
                "refresh_token": RefreshTokenGrant(request_validator),
            },
            default_token_type=bearer,
        )
        ResourceEndpoint.__init__(self, default_token="Bearer", token_types={"Bearer": bearer})  # noqa: S106
        RevocationEndpoint.__init__(self, request_validator)
