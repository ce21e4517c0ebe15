"""Row locks: the order in which everybody locks patients, lesions and cases, so that nobody waits in a circle.

Whoever changes a case locks its patient first, so that two changes of one case, or of two cases of one
lesion, follow each other and the later one sees the earlier. Then cases, predictions, the clinic's row
where an order opens or the clinic's days change, and the audit chain last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q

from classifier.models import Lesion, Patient, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable


def lock_patients(
    *,
    patients: Iterable[Any] = (),
    submissions: Iterable[Any] = (),
    images: Iterable[Any] = (),
) -> None:
    """Lock the patients of these rows, in the order of their ids, until the transaction ends.

    The first lock of every transaction that changes what a case is held for.
    """
    if not connection.features.has_select_for_update:
        return  # SQLite has one writer, and it is this transaction.
    wanted = Q(pk__in=list(patients))
    for path, ids in (("lesions__submissions", submissions), ("lesions__submissions__images", images)):
        if ids := list(ids):
            wanted |= Q(pk__in=Patient.objects.filter(**{f"{path}__in": ids}).values("pk"))
    _lock(Patient.objects.filter(wanted))


def lock_cases(*, submissions: Iterable[Any] = (), lesions: Iterable[Any] = ()) -> None:
    """Lock these cases and those of the lesions, with lesions and patients, until the transaction ends.

    For whoever records an event before the cases change: behind the audit chain nobody waits for a row.
    """
    if not connection.features.has_select_for_update:
        return
    submissions, lesions = list(submissions), list(lesions)
    rows = Lesion.objects.filter(pk__in=lesions)
    lock_patients(patients=rows.values_list("patient", flat=True), submissions=submissions)
    _lock(rows)
    _lock(Submission.objects.filter(pk__in=submissions))
    _lock(Submission.objects.filter(lesion__in=lesions))


def _lock(rows: Any) -> None:
    list(rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
