"""Find patients of one clinic by record number or public id.

Record numbers are encrypted, so a part of one can't be sought by the database: those of the clinic
are decrypted here, 3 µs each. A whole one is found by its keyed hash.
"""

from __future__ import annotations

from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from classifier.models import Patient, Submission
from portal.common.encryption.keys import DecryptionError
from portal.common.encryption.texts import decrypt_text, encrypt_text

if TYPE_CHECKING:
    import uuid

    from classifier.models.patient import PatientQuerySet
    from portal.accounts.models import Clinic, User

SEARCH_LABEL = "session.search"
SHOWN = 6
LOOKED_AT = 60
MOST_FOUND = 5_000
"""More patients than anybody reads through, and fewer than a statement takes parameters."""


def search_patients(patients: PatientQuerySet, words: str) -> PatientQuerySet:
    """Those whose MRN or public id holds `words`; all of them without words."""
    words = " ".join(words.split())
    return patients.filter(pk__in=match_patients(patients, words)) if words else patients


def match_patients(patients: PatientQuerySet, words: str) -> list[uuid.UUID]:
    """Ids of the newest MOST_FOUND of `patients` whose MRN or public id holds `words`."""
    sought = " ".join(words.split()).casefold()
    rows = patients.order_by("-created_at").values_list("pk", "mrn", "public_id").iterator()
    found = (pk for pk, mrn, public_id in rows if sought in mrn.casefold() or sought in public_id.casefold())
    return list(islice(found, MOST_FOUND))


def keep_words(words: str) -> str:
    """What a session keeps of a search: sessions are rows too, and the words may be a record number."""
    return encrypt_text(words, label=SEARCH_LABEL)


def read_words(kept: str) -> str:
    """The words of `keep_words`; none where their key is gone."""
    try:
        return decrypt_text(kept, label=SEARCH_LABEL)
    except DecryptionError:
        return ""


def find_candidates(*, user: User, clinic: Clinic, words: str) -> list[Patient]:
    """A few patients to choose from: those found, or without words those submitted last."""
    if words:
        mine = Patient.objects.visible_to(user).filter(clinic=clinic)
        return sorted(search_patients(mine, words), key=attrgetter("mrn"))[:SHOWN]
    latest = (
        Submission.objects.visible_to(user)
        .filter(clinic=clinic)
        .select_related("lesion__patient")
        .order_by("-submitted_at", "-id")[:LOOKED_AT]
    )
    patients = {case.lesion.patient_id: case.lesion.patient for case in latest}
    return list(patients.values())[:SHOWN]
