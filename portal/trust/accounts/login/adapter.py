"""Account adapter of allauth: nobody signs themselves up, and service accounts don't log in. And mails to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from allauth.core import context
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from portal.trust.accounts.login.guard import LoginGuard
from portal.trust.accounts.models import UserKind
from portal.trust.accounts.second_factor.step_up import is_fresh

if TYPE_CHECKING:
    from django.http import HttpRequest

    from portal.trust.accounts.models import User


# --- Mails --------------------------------------------------------------------------------------
# They need no request, and a dead mail server undoes nothing.


log = structlog.get_logger(__name__)


def notify(person: User, template: str, context: dict[str, Any] | None = None) -> None:
    """Send `<template>_subject.txt` and `<template>_message.txt` to the address they log in with.

    `context` holds counts and addresses; no word about a patient leaves by mail.
    """
    subject = render_to_string(f"{template}_subject.txt", context).strip()
    text = render_to_string(f"{template}_message.txt", context)
    try:
        send_mail(f"[Dermaport] {subject}", text, None, [person.email])
    except OSError as error:
        log.warning("mail_not_sent", template=template, user=str(person.pk), error=type(error).__name__)


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
        ours = {
            "allauth.mfa.stages.AuthenticateStage": "portal.trust.accounts.login.sso.code_flow.FactorStage"
        }
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:  # noqa: ARG002 (allauth's)
        """A log-in of a moment ago is as good as a confirmation; allauth would ask again at once."""
        return not is_fresh(context.request)

    def reauthenticate(self, user: User, password: str) -> bool:
        """By the person's own address: allauth's address book is not used here.

        Where everybody comes in by the provider no password of this site confirms anything.
        """
        if not settings.DERMAPORT_LOCAL_LOGIN:
            return False
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
            notify(user, template_prefix)

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
