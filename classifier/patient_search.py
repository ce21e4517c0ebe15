"""Patients to choose from on the page of a new submission."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from classifier.cases.search import search_patients
from classifier.models import Patient, Submission

if TYPE_CHECKING:
    from portal.accounts.models import Clinic, User

SHOWN = 6
LOOKED_AT = 60


def find_candidates(*, user: User, clinic: Clinic, words: str) -> list[Patient]:
    """A few patients to choose from: those found, or without words those submitted last."""
    if words:
        mine = Patient.objects.visible_to(user).filter(clinic=clinic)
        patients = sorted(search_patients(mine, words, clinic=clinic), key=attrgetter("mrn"))
    else:
        latest = (
            Submission.objects.visible_to(user)
            .filter(clinic=clinic)
            .select_related("lesion__patient")
            .order_by("-submitted_at", "-id")[:LOOKED_AT]
        )
        patients = list({case.lesion.patient_id: case.lesion.patient for case in latest}.values())
    for patient in patients[:SHOWN]:
        # Whether a model may judge them asks their clinic: one row, and it is at hand.
        patient.clinic = clinic
    return patients[:SHOWN]
