"""OAuth server: two grants and the renewal of the first, PKCE by S256 alone.

The toolkit's own server also carries the implicit, password and device grants, and "plain" PKCE;
what isn't here can't be switched on by a row in the database.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, ClassVar

from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
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

from portal.trust.accounts.models import Membership
from portal.trust.accounts.roles import Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from portal.trust.accounts.models import OAuthApplication, User


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


# --- Whom a token may stand for -----------------------------------------------------------------
# Beyond what the protocol asks.


def may_act_for(application: OAuthApplication, person: User) -> bool:
    """Whether this person, a colleague in the application's clinic, can lend it their rights now."""
    rows = Membership.objects.held_by(person).filter(clinic=application.clinic_id)
    return rows.exclude(role=Role.INTEGRATION).exists()


def by_either_secret(check: Callable[[Any], bool], request: Any) -> bool:
    """Whether the client proves itself by its secret or, while that still works, by its former one."""
    if check(request):
        return True
    client = request.client
    if client is None or not client.has_former_secret:
        return False
    present = client.client_secret
    # The toolkit compares with this attribute alone; nothing is saved meanwhile.
    client.client_secret = client.former_secret
    try:
        return check(request)
    finally:
        client.client_secret = present


class PortalValidator(OAuth2Validator):
    def _authenticate_basic_auth(self, request: Any) -> bool:
        return by_either_secret(super()._authenticate_basic_auth, request)

    def _authenticate_request_body(self, request: Any) -> bool:
        return by_either_secret(super()._authenticate_request_body, request)

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kw: Any
    ) -> bool:
        is_known = super().validate_code(client_id, code, client, request, *args, **kw)
        return is_known and may_act_for(client, request.user)

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kw: Any
    ) -> bool:
        used_before = _find_spent(refresh_token, client)
        if super().validate_refresh_token(refresh_token, client, request, *args, **kw):
            return may_act_for(client, request.user)
        if used_before is not None:
            # Two hold it, and one of them stole it. The toolkit has ended the whole family by now.
            record_event(
                clinic_id=client.clinic_id,
                action="application.refresh_reused",
                actor=used_before.user,
                obj=client,
            )
        return False

    def _create_access_token(self, expires: Any, request: Any, *args: Any, **kw: Any) -> Any:
        if request.client.service is not None:
            request.user = request.client.service
        token = super()._create_access_token(expires, request, *args, **kw)
        record_event(
            clinic_id=request.client.clinic_id,
            action="application.token_issued",
            actor=request.user,
            obj=request.client,
            details={"grant": request.grant_type, "scopes": token.scope.split()},
        )
        return token


def _find_spent(text: str, client: OAuthApplication) -> RefreshToken | None:
    checksum = hashlib.sha256(text.encode()).hexdigest()
    rows = RefreshToken.objects.filter(token_checksum=checksum, application=client)
    if rows.filter(revoked__isnull=True).exists():
        return None
    return rows.select_related("user").first()


# --- Revocation ---------------------------------------------------------------------------------


def revoke_application_tokens(
    *, user: User | None = None, application: OAuthApplication | None = None
) -> int:
    """End codes, access and refresh tokens of a person, an application or both; return how many.

    Refresh tokens stay as revoked rows: a stolen one that is shown later is then recognised.
    """
    which = Q()
    if user is not None:
        which &= Q(user=user)
    if application is not None:
        which &= Q(application=application)
    if not which:
        raise ValueError("expected a person or an application, received neither")
    Grant.objects.filter(which).delete()
    ended: int = RefreshToken.objects.filter(which, revoked__isnull=True).update(revoked=timezone.now())
    tokens = AccessToken.objects.filter(which)
    count: int = tokens.count()
    tokens.delete()
    return max(ended, count)
