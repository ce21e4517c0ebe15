"""How people get in: by an administrator or an operator, never by signing themselves up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from portal.accounts.models import UserKind

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest

    from portal.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 (allauth's)
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """People go home; an operator without a clinic has one page, and goes there."""
        user = request.user
        if user.is_authenticated and user.is_staff and not user.memberships.filter(is_active=True).exists():
            return reverse("status")
        return str(super().get_login_redirect_url(request))

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> Any:
        """However somebody came to a service account's log-in: it has no pages."""
        _refuse_service(user)
        return super().pre_login(request, user, **kwargs)

    def set_password(self, user: User, password: str) -> None:
        _refuse_service(user)
        super().set_password(user, password)


def _refuse_service(user: User) -> None:
    if user.kind == UserKind.SERVICE:
        raise PermissionDenied("A service account can't log in: it has tokens.")
