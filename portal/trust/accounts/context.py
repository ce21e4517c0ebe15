"""Template context of every page: clinic, rights, theme, and what log-in asks for."""

from typing import Any

from django.conf import settings

from portal.trust.accounts.requests import SiteRequest
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role
from portal.trust.accounts.second_factor.codes import must_have_factor
from portal.trust.accounts.sessions.limits import idle_seconds

THEMES = ("auto", "light", "dark")


def site(request: SiteRequest) -> dict[str, Any]:
    """Give `clinic`, `memberships`, `can` (action name to bool in this clinic), `has_pages` and `theme`."""
    membership = getattr(request, "membership", None)
    role = membership.role if membership else None
    theme = request.COOKIES.get("theme", "auto")
    memberships = getattr(request, "memberships", [])
    user = getattr(request, "user", None)
    return {
        "clinic": membership.clinic if membership else None,
        "membership": membership,
        # An integration has the API and no pages.
        "has_pages": role not in {None, Role.INTEGRATION},
        "memberships": memberships,
        "can": {action.value: role in ROLES_ALLOWED[action] for action in Action},
        "theme": theme if theme in THEMES else "auto",
        "needs_factor": user is not None and must_have_factor(user, memberships),
        "idle_seconds": round(idle_seconds() or settings.SESSION_COOKIE_AGE),
        "local_login": settings.DERMAPORT_LOCAL_LOGIN,
        "sso_name": settings.DERMAPORT_OIDC_NAME if settings.DERMAPORT_OIDC_ISSUER else "",
        "factor_is_optional": not settings.DERMAPORT_MFA_REQUIRED_ROLES,
    }
