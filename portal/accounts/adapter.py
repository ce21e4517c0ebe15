"""How people get in: by an administrator or an operator, never by signing themselves up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from django.urls import reverse

if TYPE_CHECKING:
    from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 (allauth's)
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """People go home; an operator without a clinic has one page, and goes there."""
        user = request.user
        if user.is_authenticated and user.is_staff and not user.memberships.active().exists():
            return reverse("status")
        return str(super().get_login_redirect_url(request))
