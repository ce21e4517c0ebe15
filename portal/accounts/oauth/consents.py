"""What a person let act for them, and the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from oauth2_provider.models import RefreshToken

from portal.accounts.models import OAuthApplication
from portal.accounts.oauth.access import revoke_application_tokens
from portal.audit.services import record_event

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from portal.accounts.models import User


def select_consents(person: User) -> QuerySet[OAuthApplication]:
    """Applications that can act for this person until it is withdrawn."""
    held = RefreshToken.objects.filter(user=person, revoked__isnull=True).values("application")
    found: QuerySet[OAuthApplication] = OAuthApplication.objects.filter(pk__in=held).select_related("clinic")
    return found


def withdraw_consent(*, actor: User, application: OAuthApplication) -> None:
    """End what this application holds of `actor`; it has to ask again."""
    with transaction.atomic():
        ended = revoke_application_tokens(user=actor, application=application)
        record_event(
            clinic_id=application.clinic_id,
            action="application.withdrawn",
            actor=actor,
            obj=application,
            details={"tokens_revoked": ended},
        )
