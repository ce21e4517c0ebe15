"""Brute-force guard: the part of the account adapter that limits failed log-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter

from portal.trust.accounts.login.limits import (
    Attempt,
    count_attempt,
    forgive,
    give_back,
    remember_device,
    take_places,
)
from portal.trust.accounts.models import User
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

TOO_MANY = "Too many failed tries. Wait a few minutes, or set a new password by mail."


class LoginGuard(DefaultAccountAdapter):
    error_messages = {**DefaultAccountAdapter.error_messages, "too_many_login_attempts": TOO_MANY}
    _attempt: Attempt | None = None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person, if the password is right. Raises ValidationError where it comes too soon after failures.

        Each try is counted before the password is looked at, and forgiven when it was right.
        """
        attempt = self._attempt = count_attempt(request, credentials.get("email", ""))
        if attempt.is_refused:
            raise self.validation_error("too_many_login_attempts")
        # From a browser in which the person has logged in before, strangers at the same address don't count.
        places = [] if attempt.by_known_device else take_places(request)
        if places is None:
            raise self.validation_error("too_many_login_attempts")
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            give_back(places)
            forgive(attempt.counters)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: allauth would count here, by limits of its own."""

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
