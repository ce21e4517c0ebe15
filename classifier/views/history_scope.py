"""Whose history: the clinic's, one's own, a patient's, a lesion's or a clinician's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.http import Http404
from django.urls import reverse

from classifier.cases.follow_up import unfollowed
from classifier.models import Lesion, Patient, Submission
from classifier.models.submission import awaited_by
from classifier.views.access import get_visible
from classifier.views.rights import rights_in
from classifier.wording import name_site
from portal.accounts.models import Membership
from portal.accounts.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import Clinic, User
    from portal.accounts.requests import PortalRequest


@dataclass(frozen=True)
class Scope:
    """Rows before any filter. The role is that in the clinic whose rows they are."""

    name: str
    heading: str
    rows: SubmissionQuerySet
    clinic: Clinic
    role: str
    trail: tuple[tuple[str, str], ...] = ()

    @property
    def hides_unread(self) -> bool:
        return self.clinic.hide_result_until_read and self.role == Role.DERMATOLOGIST


NAMED: dict[str, tuple[str, Callable[[Any, Clinic], Q]]] = {
    "mine": ("Your submissions", lambda user, _: Q(submitted_by=user) | Q(responsible=user)),
    "followed": ("Submissions that you follow up", lambda user, _: awaited_by(user)),
    "unfollowed": ("Submissions that nobody follows up", lambda _, clinic: unfollowed(clinic.pk)),
}


def read_scope(request: PortalRequest) -> Scope:
    """The scope that the address names; 404 for what this person can't see."""
    if "patient" in request.GET:
        return _patient_scope(request)
    if "lesion" in request.GET:
        return _lesion_scope(request)
    clinic = request.clinic
    role: str = request.membership.role
    rows = Submission.objects.visible_to(request.user).filter(clinic=clinic)
    if "by" in request.GET:
        person = _find_colleague(clinic, _read_key(request, "by"))
        heading = f"Submitted by {person.get_full_name()}"
        return Scope("by", heading, rows.filter(submitted_by=person), clinic, role)
    name = request.GET.get("scope", "")
    if name in NAMED:
        heading, narrow = NAMED[name]
        return Scope(name, heading, rows.filter(narrow(request.user, clinic)), clinic, role)
    return Scope("clinic", "Submissions", rows, clinic, role)


def _patient_scope(request: PortalRequest) -> Scope:
    patient = get_visible(
        Patient.objects.select_related("clinic"),
        request,
        _read_key(request, "patient"),
    )
    return Scope(
        "patient",
        f"Submissions of {patient.mrn}",
        Submission.objects.visible_to(request.user).filter(lesion__patient=patient),
        patient.clinic,
        rights_in(request, patient.clinic_id).role,
        (("Patients", reverse("patient-list")), (patient.mrn, reverse("patient-detail", args=[patient.pk]))),
    )


def _lesion_scope(request: PortalRequest) -> Scope:
    lesion = get_visible(
        Lesion.objects.select_related("patient__clinic"),
        request,
        _read_key(request, "lesion"),
    )
    patient = lesion.patient
    return Scope(
        "lesion",
        f"{name_site(lesion)} over time",
        Submission.objects.visible_to(request.user).filter(lesion=lesion),
        patient.clinic,
        rights_in(request, patient.clinic_id).role,
        (
            (patient.mrn, reverse("patient-detail", args=[patient.pk])),
            (name_site(lesion), reverse("lesion-detail", args=[lesion.pk])),
        ),
    )


def _find_colleague(clinic: Clinic, key: uuid.UUID) -> User:
    membership = Membership.objects.filter(clinic=clinic, user=key).select_related("user").first()
    if membership is None:
        raise Http404
    return membership.user


def _read_key(request: PortalRequest, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(request.GET[name])
    except ValueError:
        raise Http404 from None
