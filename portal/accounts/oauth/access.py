"""The end of what applications hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

if TYPE_CHECKING:
    from portal.accounts.models import OAuthApplication, User


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
    ended: int = RefreshToken.objects.filter(which, revoked__isnull=True).update(revoked=timezone.now())
    tokens = AccessToken.objects.filter(which)
    count: int = tokens.count()
    tokens.delete()
    return max(ended, count)
