"""The part of the account adapter that limits failed log-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings

from portal.accounts.known_devices import remember_device
from portal.accounts.login_limits import Attempt, count_attempt, forgive
from portal.accounts.models import User
from portal.audit.services import record_event

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

TOO_MANY = "Too many failed tries. Wait a few minutes, or set a new password by mail."


class LoginGuard(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {**DefaultAccountAdapter.error_messages, "too_many_login_attempts": TOO_MANY}
    _attempt: Attempt | None = None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        email = credentials.get("email", "")
        self._attempt = count_attempt(request, email)
        self._login_failed_rl_usage = None
        if self._attempt.is_refused:
            raise self.validation_error("too_many_login_attempts")
        if self._attempt.by_known_device:
            return
        # Failures by address alone, over all accounts.
        self._login_failed_rl_usage = ratelimit.consume(
            request,
            app="allauth.account",
            action="login_failed",
            config={"login_failed": settings.DERMAPORT_LOGIN_FAILED_RATE},
            key=email.lower(),
        )
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        """Allauth calls this when the password was right."""
        super()._rollback_login_failed_rl_usage()
        if self._attempt:
            forgive(self._attempt.counters)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # noqa: ARG002 (allauth's)
        waits = self._attempt.waits if self._attempt else {}
        record_waits(User.objects.filter(email__iexact=credentials.get("email", "")).first(), waits)

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **how)
        remember_device(request, response, user)
        return response


def record_waits(user: User | None, waits: dict[str, int]) -> None:
    """One event for each wait that a failure brought."""
    for name, seconds in waits.items():
        if seconds:
            record_event(
                clinic_id=None,
                action="user.login_delayed",
                obj=user,
                details={"limit": name, "seconds": seconds},
            )
