"""One lesion over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from classifier.cases.access import record_viewed
from classifier.cases.histopathology import list_outcomes
from classifier.cases.rows import CaseRow, build_rows, load_cases
from classifier.labels.text import name_site
from classifier.models import Lesion, Submission
from classifier.pages.access import get_visible, page, rights_in
from classifier.pages.outline import LesionOutlines, compare_images
from classifier.standing.hiding import hides_worst, holds_unread_answer

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

CASES_SHOWN = 40


@require_safe
@page()
@transaction.atomic
def lesion_detail(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The newest picture beside an earlier one, and all cases in time."""
    lesion: Lesion = get_visible(Lesion.objects.select_related("patient__clinic"), request, pk)
    patient = lesion.patient
    rights = rights_in(request, patient.clinic_id)
    record_viewed(actor=request.user, obj=lesion, clinic_id=patient.clinic_id)
    cases = load_cases(Submission.objects.filter(lesion=lesion))
    every = build_rows(cases[: CASES_SHOWN + 1], role=rights.role)
    rows = every[:CASES_SHOWN]
    newest, other = _choose_pair(rows, request.GET.get("with", ""))
    context = {
        "lesion": lesion,
        "patient": patient,
        "rights": rights,
        "hides_lesion": hides_worst(
            lesion, patient.clinic, rights.role, has_unread=holds_unread_answer(cases)
        ),
        "outcomes": list_outcomes(lesion),
        "rows": rows,
        "newest": newest,
        "other": other,
        "outlines": _compare(newest, other),
        "is_cut": len(every) > CASES_SHOWN,
        "breadcrumb": [
            ("Patients", reverse("patient-list")),
            (f"Patient {patient.mrn}", reverse("patient-detail", args=[patient.pk])),
            (name_site(lesion), ""),
        ],
    }
    return render(request, "classifier/lesion_detail.html", context)


def _compare(newest: CaseRow | None, other: CaseRow | None) -> LesionOutlines | None:
    """The outlines of both pictures and what changed; None without two."""
    before, now = (row.summary.image if row else None for row in (other, newest))
    return compare_images(before, now) if before and now else None


def _choose_pair(rows: Sequence[CaseRow], wanted: str) -> tuple[CaseRow | None, CaseRow | None]:
    """The newest case with a picture, and the one asked for, else the one before it."""
    pictured = [row for row in rows if row.summary.image and row.submission.cancelled_at is None]
    if not pictured:
        return None, None
    newest, earlier = pictured[0], pictured[1:]
    asked = (row for row in earlier if str(row.submission.pk) == wanted)
    return newest, next(asked, earlier[0] if earlier else None)
