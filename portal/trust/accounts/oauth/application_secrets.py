"""Secret rotation: an application's former secret works on for a while, or ends at once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import OAuthApplication
from portal.trust.accounts.oauth.applications import Registration, record_application_event
from portal.trust.accounts.oauth.server import generate_client_secret, revoke_application_tokens
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


def rotate_secret(*, actor: User, application: OAuthApplication, at_once: bool = False) -> Registration:
    """A new secret. The former works beside it for some hours, so that the system can change over.

    `at_once`, for a secret that others may know: the former, and all that was got with it, ends now.
    Raises PermissionDenied or PeopleError (no_secret).
    """
    require(actor, application.clinic_id, Action.ADMINISTER)
    if application.client_type == OAuthApplication.CLIENT_PUBLIC:
        raise PeopleError("no_secret", "An app on a person's device has no secret.")
    secret = generate_client_secret()
    overlap = dt.timedelta(hours=settings.DERMAPORT_OAUTH_OVERLAP_HOURS)
    with transaction.atomic():
        application = OAuthApplication.objects.select_for_update().get(pk=application.pk)
        ended = 0
        if at_once:
            ended = _end_former(application)
        else:
            application.former_secret = application.client_secret
            application.former_until = timezone.now() + overlap
        application.client_secret = secret
        application.save(update_fields=["client_secret", "former_secret", "former_until", "updated"])
        record_application_event(
            actor, application, "application.secret_rotated", at_once=at_once, tokens_revoked=ended
        )
    return Registration(application, secret)


def end_former_secret(*, actor: User, application: OAuthApplication) -> None:
    """The system has changed over, or others know the former secret. Raises PermissionDenied."""
    require(actor, application.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        application = OAuthApplication.objects.select_for_update().get(pk=application.pk)
        if not application.former_secret:
            return
        ended = _end_former(application)
        application.save(update_fields=["former_secret", "former_until", "updated"])
        record_application_event(actor, application, "application.secret_ended", tokens_revoked=ended)


def _end_former(application: OAuthApplication) -> int:
    """Nobody can tell which of the tokens were got with it, so all end; return how many."""
    application.former_secret, application.former_until = "", None
    return revoke_application_tokens(application=application)
