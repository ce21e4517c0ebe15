"""Row-level visibility: the one rule of who sees what, as `visible_to(user)`.

Rows of the clinics in which a person is an active member; and, for a while and for reading alone,
rows of one patient of another clinic whom they opened in an emergency (break-glass). The second is
tied to the browser session that opened it: the middleware hangs the live grants on that request's
user. A token, another session and a task have none, so that pages, images and the API agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, Subquery

from portal.trust.accounts.models import Membership

if TYPE_CHECKING:
    import uuid

    from django.contrib.auth.models import AnonymousUser

    from classifier.models.privacy import EmergencyAccess
    from portal.trust.accounts.models import User


def clinic_ids_of(user: User | AnonymousUser) -> Subquery | list[str]:
    """Ids of the clinics whose cases `user` may see; nothing for nobody."""
    if not user.is_authenticated or not user.is_active:
        return []
    return Subquery(Membership.objects.held_by(user).order_by().values("clinic_id"))


def visible_rows(user: User | AnonymousUser, *, clinic: str, patient: str) -> Q:
    """The rows that `user` may see; `clinic` and `patient` are the row's ways to the two ids.

    An erased patient is nobody's any more.
    """
    rows = Q(**{f"{clinic}__in": clinic_ids_of(user)})
    if opened := [access.patient_id for access in emergencies_of(user)]:
        rows |= Q(**{f"{patient}__in": opened})
    erased = "erased_at" if patient == "pk" else f"{patient.removesuffix('_id')}__erased_at"
    return rows & Q(**{f"{erased}__isnull": True})


def emergencies_of(user: User | AnonymousUser) -> list[EmergencyAccess]:
    """Grants that the session of this request's user opened and that were live when it began."""
    return list(getattr(user, "emergencies", ())) if user.is_active else []


def find_emergency(user: User | AnonymousUser, clinic_id: uuid.UUID) -> EmergencyAccess | None:
    """The grant by which `user` reads in this clinic; None for its members and for strangers."""
    return next((access for access in emergencies_of(user) if access.clinic_id == clinic_id), None)
