"""Find patients of one clinic by record number or public id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from classifier.models import Patient, Submission

if TYPE_CHECKING:
    from classifier.models.patient import PatientQuerySet
    from portal.accounts.models import Clinic, User

SHOWN = 6
LOOKED_AT = 60


def search_patients(patients: PatientQuerySet, words: str) -> PatientQuerySet:
    """Those whose MRN or public id holds `words`; all of them without words."""
    words = " ".join(words.split())
    if not words:
        return patients
    return patients.filter(Q(mrn__icontains=words) | Q(public_id__icontains=words))


def find_candidates(*, user: User, clinic: Clinic, words: str) -> list[Patient]:
    """A few patients to choose from: those found, or without words those submitted last."""
    if words:
        mine = Patient.objects.visible_to(user).filter(clinic=clinic)
        return list(search_patients(mine, words).order_by("mrn")[:SHOWN])
    latest = (
        Submission.objects.visible_to(user)
        .filter(clinic=clinic)
        .select_related("lesion__patient")
        .order_by("-submitted_at", "-id")[:LOOKED_AT]
    )
    patients = {case.lesion.patient_id: case.lesion.patient for case in latest}
    return list(patients.values())[:SHOWN]
