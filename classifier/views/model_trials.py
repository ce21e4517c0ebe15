"""Where a version on trial says something else than what was served, on the same images."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from classifier.models import ModelVersion
from classifier.services.trial_exports import export_flips
from classifier.trials import Opponent, compare, find_flips, find_opponents, keep_opponent, select_pairs
from classifier.views.access import page
from classifier.views.downloads import csv_download
from classifier.views.filter_chips import build_group
from classifier.vocabulary import Diagnosis
from portal.accounts.roles import ROLES_ALLOWED, Action
from portal.accounts.step_up import step_up
from portal.audit.services import record_event

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.models import Clinic
    from portal.accounts.requests import PortalRequest

PAGE_SIZE = 25


@require_safe
@page(Action.ADMINISTER, operators=True)
@transaction.atomic
def model_trial(request: PortalRequest, version: uuid.UUID) -> HttpResponse:
    """Counts and flips of the own clinic for its administrator; for an operator counts alone."""
    found = get_object_or_404(ModelVersion, pk=version)
    clinic = _administered(request)
    pairs = select_pairs(found, clinic_id=clinic.pk if clinic else None)
    opponents = find_opponents(pairs)
    against = _choose(opponents, request.GET.get("against", ""))
    context: dict[str, Any] = {
        "model": found,
        "against": against,
        "is_site": clinic is None,
    }
    if against is not None:
        pairs = keep_opponent(pairs, against)
        context["trial"] = compare(pairs)
        context["groups"] = _list_opponents(request, opponents, against)
        if clinic is not None:
            context |= _show_flips(request, find_flips(pairs), found, clinic)
    return render(request, "classifier/models/trial.html", context)


@require_POST
@page(Action.ADMINISTER)
@step_up
def model_trial_export(request: PortalRequest, version: uuid.UUID) -> StreamingHttpResponse:
    """The flips of the own clinic as CSV."""
    found = get_object_or_404(ModelVersion, pk=version)
    clinic = request.clinic
    opponents = find_opponents(select_pairs(found, clinic_id=clinic.pk))
    against = _choose(opponents, request.POST.get("against", ""))
    if against is None:
        raise Http404("This version has judged nothing on trial in this clinic.")
    export = export_flips(actor=request.user, clinic=clinic, version=found, against=against)
    return csv_download(export, f"flips-{found.name}")


def _administered(request: PortalRequest) -> Clinic | None:
    """The clinic whose patients may be shown; None for an operator who administers none."""
    membership = request.membership
    if membership is None or membership.role not in ROLES_ALLOWED[Action.ADMINISTER]:
        return None
    return membership.clinic


def _choose(opponents: list[Opponent], wanted: str) -> ModelVersion | None:
    asked = (one.version for one in opponents if str(one.version.pk) == wanted)
    return next(asked, opponents[0].version if opponents else None)


def _list_opponents(
    request: PortalRequest, opponents: list[Opponent], against: ModelVersion
) -> list[dict[str, Any]]:
    if len(opponents) == 1:
        return []
    choices = [(str(one.version.pk), f"{one.version} ({one.images})") for one in opponents]
    return [build_group(request, "against", "Served by", choices, current=str(against.pk))]


def _show_flips(request: PortalRequest, flips: Any, version: ModelVersion, clinic: Clinic) -> dict[str, Any]:
    page_obj = Paginator(flips, PAGE_SIZE).get_page(request.GET.get("page"))
    words = dict(Diagnosis.choices)
    rows = [(flip, words.get(flip.diagnosis, "")) for flip in page_obj]
    if rows:
        record_event(
            clinic_id=clinic.pk,
            action="model.compared",
            actor=request.user,
            obj=version,
            details={"page": page_obj.number, "count": len(rows)},
        )
    return {"page_obj": page_obj, "flips": rows}
