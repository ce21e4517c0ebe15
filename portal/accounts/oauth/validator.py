"""Whom a code or a token may stand for, beyond what the protocol asks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from oauth2_provider.models import RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator

from portal.accounts.models import Membership
from portal.accounts.roles import Role
from portal.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from portal.accounts.models import OAuthApplication, User


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
