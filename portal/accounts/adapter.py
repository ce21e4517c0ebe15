"""How people get in: by an administrator or an operator, never by signing themselves up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.core import context
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from portal.accounts.freshness import is_fresh
from portal.accounts.login_guard import LoginGuard
from portal.accounts.mail import tell
from portal.accounts.models import UserKind

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest

    from portal.accounts.models import User


class AccountAdapter(LoginGuard):
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 (allauth's)
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """People go home; an operator without a clinic has one page, and goes there."""
        user = request.user
        if user.is_authenticated and user.is_staff and not user.memberships.active().exists():
            return reverse("status")
        return str(super().get_login_redirect_url(request))

    def get_login_stages(self) -> list[str]:
        """A second factor at the provider may stand for one here."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "portal.accounts.sso_stage.FactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:  # noqa: ARG002 (allauth's)
        """A log-in of a moment ago is as good as a confirmation; allauth would ask again at once."""
        return not is_fresh(context.request)

    def reauthenticate(self, user: User, password: str) -> bool:
        """By the person's own address: allauth's address book is not used here."""
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # noqa: ARG002 (allauth's)
        email: str | None = None,  # noqa: ARG002 (allauth's)
    ) -> None:
        """Changes of a second factor are told; the address is the one a person logs in with."""
        if template_prefix.startswith("mfa/"):
            tell(user, template_prefix)

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
