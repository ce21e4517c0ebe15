"""A second factor shown at the provider, where the setting takes it for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.signals import user_logged_in
from allauth.mfa.stages import AuthenticateStage
from django.dispatch import receiver

if TYPE_CHECKING:
    from django.http import HttpRequest

SESSION_KEY = "sso_factor"


class FactorStage(AuthenticateStage):
    def _should_handle(self, request: HttpRequest) -> bool:
        login = (self.login.signal_kwargs or {}).get("sociallogin")
        if login is not None and login.state.get("has_factor"):
            return False
        return bool(super()._should_handle(request))


@receiver(user_logged_in)
def keep_factor(request: HttpRequest, sociallogin: Any = None, **_: Any) -> None:
    """For this session only: the next log-in may come another way."""
    if sociallogin is not None and sociallogin.state.get("has_factor"):
        request.session[SESSION_KEY] = True
    else:
        request.session.pop(SESSION_KEY, None)
