"""Look-alike record numbers: patients of a clinic of whom one may be taken for the other, or be the other.

From before numbers had one form there can be two histories of one person, apart by a character that nobody
sees. Nothing joins them by itself: an administrator looks at both.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.domain.record_numbers import fold_mrn

if TYPE_CHECKING:
    import uuid

    from classifier.models.patient import PatientQuerySet


def find_look_alikes(patients: PatientQuerySet) -> list[list[uuid.UUID]]:
    """Groups of two or more of `patients`, all of one clinic, whose numbers look alike; the oldest first in each.

    Record numbers are encrypted, so all are read: some 5 µs each.
    """
    alike: dict[str, list[uuid.UUID]] = defaultdict(list)
    rows = patients.filter(erased_at__isnull=True).order_by("created_at", "pk")
    for pk, mrn in rows.values_list("pk", "mrn").iterator():
        alike[fold_mrn(mrn)].append(pk)
    return [group for group in alike.values() if len(group) > 1]
