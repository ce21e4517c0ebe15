"""The one rule of who sees what: rows of the clinics in which a person is an active member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Subquery

from portal.accounts.models import Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


def clinic_ids_of(user: User | AnonymousUser) -> Subquery | list[str]:
    """Ids of the clinics whose cases `user` may see; nothing for nobody."""
    if not user.is_authenticated or not user.is_active:
        return []
    return Subquery(Membership.objects.held_by(user).order_by().values("clinic_id"))
