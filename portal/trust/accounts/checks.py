"""System checks of who gets in: a misspelt role would ask nobody for a second factor, a misspelt rate let nobody in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from portal.trust.accounts.login.limits import parse_rates
from portal.trust.accounts.roles import Role
from portal.trust.accounts.second_factor.codes import OPERATOR


@register(Tags.security)
def check_required_roles(**_: Any) -> list[CheckMessage]:
    known = {*Role.values, OPERATOR}
    unknown = sorted(set(settings.DERMAPORT_MFA_REQUIRED_ROLES) - known)
    if not unknown:
        return []
    return [
        Error(
            f"DERMAPORT_MFA_REQUIRED_ROLES: expected {', '.join(sorted(known))}, "
            f"received {', '.join(unknown)}.",
            id="accounts.E001",
        )
    ]


@register(Tags.security)
def check_failed_rate(**_: Any) -> list[CheckMessage]:
    """Said at the start, and not to the first person who logs in."""
    try:
        parse_rates(settings.DERMAPORT_LOGIN_FAILED_RATE)
    except ImproperlyConfigured as error:
        return [Error(str(error), id="accounts.E002")]
    return []
