"""System checks of who gets in: a misspelt role would ask nobody for a second factor."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

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
