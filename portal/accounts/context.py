"""Template context of every page: clinic, rights and theme."""

from typing import Any

from django.http import HttpRequest

from portal.accounts.roles import ROLES_ALLOWED, Action

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    """Give `clinic`, `memberships`, `can` (action name to bool in this clinic) and `theme`."""
    membership = getattr(request, "membership", None)
    role = membership.role if membership else None
    theme = request.COOKIES.get("theme", "auto")
    return {
        "clinic": membership.clinic if membership else None,
        "membership": membership,
        "memberships": getattr(request, "memberships", []),
        "can": {action.value: role in ROLES_ALLOWED[action] for action in Action},
        "theme": theme if theme in THEMES else "auto",
    }
