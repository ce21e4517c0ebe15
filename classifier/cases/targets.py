"""Targets: how many days a clinic gives for reading a case and for carrying out an order."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.vocabulary import ORDERS, Management
from classifier.models import Submission
from classifier.standing.columns import BATCH, refresh_standing
from classifier.standing.locks import lock_patients
from portal.trust.accounts.models import Clinic
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from portal.trust.accounts.models import User


MOST_READING_DAYS = 30
MOST_ORDER_DAYS = 730
TRIES = 5


def set_targets(
    *,
    actor: User,
    clinic: Clinic,
    reading_target_days: int | None = None,
    order_target_days: Mapping[str, int] | None = None,
) -> Clinic:
    """Change the clinic's days; open orders get their new day in the same step.

    `reading_target_days`: working days, 1 to 30. `order_target_days`: days by code of the order, 1 to 730.
    What is left out stays as it is. Raises PermissionDenied; InvalidInputError (order_unknown,
    days_out_of_range); ConflictError (changed_meanwhile) where one order after another is being signed.
    """
    require(actor, clinic, Action.ADMINISTER)
    order_target_days = order_target_days or {}
    _check(reading_target_days, order_target_days)
    for _ in range(TRIES):
        with transaction.atomic():
            held = _lock_open_orders(clinic)
            clinic = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
            opened = list(_list_open_orders(clinic))
            if set(opened) <= set(held):
                return _set(actor, clinic, opened, reading_target_days, order_target_days)
    raise ConflictError(
        "changed_meanwhile", "Orders are being signed at this moment. Nothing was changed; try again."
    )


def _lock_open_orders(clinic: Clinic) -> list[uuid.UUID]:
    """Lock the patients of all open orders: before the clinic's row, as whoever signs one does.

    What is signed in between is seen under the clinic's lock; all begins again then, since nobody waits
    for a patient while holding it.
    """
    # All batches together follow the order in which everybody locks patients.
    ids = list(_list_open_orders(clinic))
    for start in range(0, len(ids), BATCH):
        lock_patients(submissions=ids[start : start + BATCH])
    return ids


def _list_open_orders(clinic: Clinic) -> QuerySet[Submission, uuid.UUID]:
    rows = Submission.objects.filter(clinic=clinic).with_open_order()
    return rows.order_by("lesion__patient_id", "pk").values_list("pk", flat=True)


def _set(
    actor: User,
    clinic: Clinic,
    opened: list[uuid.UUID],
    reading_days: int | None,
    order_days: Mapping[str, int],
) -> Clinic:
    """The clinic's row is locked: what somebody else set meanwhile stays, but for what is changed here."""
    merged = {**clinic.order_target_days, **order_days}
    wanted = {
        "reading_target_days": clinic.reading_target_days if reading_days is None else reading_days,
        # A default isn't kept.
        "order_target_days": {
            order: days for order, days in sorted(merged.items()) if days != ORDERS[Management(order)]
        },
    }
    changed = [name for name, value in wanted.items() if getattr(clinic, name) != value]
    if not changed:
        return clinic
    for name in changed:
        setattr(clinic, name, wanted[name])
    clinic.save(update_fields=changed)
    if "order_target_days" in changed:
        for start in range(0, len(opened), BATCH):
            refresh_standing(opened[start : start + BATCH], actor=actor)
    record_event(
        clinic_id=clinic.pk,
        action="clinic.updated",
        actor=actor,
        obj=clinic,
        details={"fields": changed, **wanted},
    )
    return clinic


def _check(reading_target_days: int | None, order_target_days: Mapping[str, int]) -> None:
    if reading_target_days is not None and not 1 <= reading_target_days <= MOST_READING_DAYS:
        raise _out_of_range("reading_target_days", MOST_READING_DAYS)
    for order, days in order_target_days.items():
        if order not in ORDERS:
            raise InvalidInputError("order_unknown", f"There is no order {order!r}.", field=order)
        if not 1 <= days <= MOST_ORDER_DAYS:
            raise _out_of_range(order, MOST_ORDER_DAYS)


def _out_of_range(field: str, most: int) -> InvalidInputError:
    return InvalidInputError("days_out_of_range", f"Give a number from 1 to {most}.", field=field)


# --- Working days -------------------------------------------------------------------------------
# Saturdays and Sundays don't count. Public holidays are not known here.


SATURDAY = 5
WORKING_DAYS_A_WEEK = 5


def working_days_before(moment: dt.datetime, days: int) -> dt.datetime:
    """The latest moment of submission that has waited `days` working days at `moment`.

    Waiting time stands still from Saturday to Monday, in the portal's time zone.
    """
    local = timezone.localtime(moment)
    zone, wall = local.tzinfo, local.replace(tzinfo=None)
    if wall.weekday() >= SATURDAY:
        midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
        wall = midnight - dt.timedelta(days=wall.weekday() - SATURDAY)
    weeks, rest = divmod(days, WORKING_DAYS_A_WEEK)
    wall -= dt.timedelta(weeks=weeks)
    for _ in range(rest):
        wall -= dt.timedelta(days=1)
        if wall.weekday() >= SATURDAY:
            wall -= dt.timedelta(days=2)
    return wall.replace(tzinfo=zone)
