"""How many days a clinic gives for reading a case and for carrying out an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from classifier.cases.standing import BATCH, lock_patients, refresh_standing
from classifier.models import Submission
from classifier.services.errors import InvalidInputError
from classifier.vocabulary import ORDERS
from portal.accounts.models import Clinic
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User

MOST_READING_DAYS = 30
MOST_ORDER_DAYS = 730


def set_targets(
    *, actor: User, clinic: Clinic, reading_target_days: int, order_target_days: dict[str, int]
) -> Clinic:
    """Set the clinic's days; open orders get their new day in the same step.

    `reading_target_days`: working days, 1 to 30. `order_target_days`: days by code of the order, 1 to 730;
    what is left out has its default. Raises PermissionDenied or InvalidInputError (order_unknown,
    days_out_of_range).
    """
    require(actor, clinic, Action.ADMINISTER)
    _check(reading_target_days, order_target_days)
    own = {order: days for order, days in sorted(order_target_days.items()) if days != ORDERS[order]}  # type: ignore[index]
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
        changed = [
            name
            for name, value in (("reading_target_days", reading_target_days), ("order_target_days", own))
            if getattr(clinic, name) != value
        ]
        if not changed:
            return clinic
        clinic.reading_target_days, clinic.order_target_days = reading_target_days, own
        clinic.save(update_fields=changed)
        if "order_target_days" in changed:
            _move_days(actor, clinic)
        record_event(
            clinic_id=clinic.pk,
            action="clinic.updated",
            actor=actor,
            obj=clinic,
            details={"fields": changed, "reading_target_days": reading_target_days, "order_target_days": own},
        )
    return clinic


def _move_days(actor: User, clinic: Clinic) -> None:
    rows = Submission.objects.filter(clinic=clinic).with_open_order()
    # All batches together follow the order in which everybody locks patients.
    ids = list(rows.order_by("lesion__patient_id", "pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        lock_patients(submissions=ids[start : start + BATCH])
    for start in range(0, len(ids), BATCH):
        refresh_standing(ids[start : start + BATCH], actor=actor)


def _check(reading_target_days: int, order_target_days: dict[str, int]) -> None:
    if not 1 <= reading_target_days <= MOST_READING_DAYS:
        raise _out_of_range("reading_target_days", MOST_READING_DAYS)
    for order, days in order_target_days.items():
        if order not in ORDERS:
            raise InvalidInputError("order_unknown", f"There is no order {order!r}.", field=order)
        if not 1 <= days <= MOST_ORDER_DAYS:
            raise _out_of_range(order, MOST_ORDER_DAYS)


def _out_of_range(field: str, most: int) -> InvalidInputError:
    return InvalidInputError("days_out_of_range", f"Give a number from 1 to {most}.", field=field)
