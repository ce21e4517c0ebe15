"""An OAuth access token comes in: whose is it, and does it hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from portal.accounts.models import OAuthApplication

if TYPE_CHECKING:
    import datetime as dt

    from portal.accounts.models import User


def look_up_access_token(text: str) -> AccessToken | None:
    checksum = hashlib.sha256(text.encode()).hexdigest()
    rows = AccessToken.objects.select_related("user", "application__service")
    return rows.filter(token_checksum=checksum, user__isnull=False, application__isnull=False).first()


def note_application_use(application: OAuthApplication, *, every: dt.timedelta) -> None:
    """Keep when it last called, not more often than `every`."""
    now = timezone.now()
    if application.last_used_at and now - application.last_used_at < every:
        return
    OAuthApplication.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - every), pk=application.pk
    ).update(last_used_at=now)


def revoke_application_tokens(
    *, user: User | None = None, application: OAuthApplication | None = None
) -> int:
    """End codes, access and refresh tokens of a person, an application or both; return how many.

    Refresh tokens stay as revoked rows: a stolen one that is shown later is then recognised.
    """
    which = Q()
    if user is not None:
        which &= Q(user=user)
    if application is not None:
        which &= Q(application=application)
    if not which:
        raise ValueError("expected a person or an application, received neither")
    Grant.objects.filter(which).delete()
    ended = RefreshToken.objects.filter(which, revoked__isnull=True).update(revoked=timezone.now())
    tokens = AccessToken.objects.filter(which)
    count = tokens.count()
    tokens.delete()
    return max(ended, count)
