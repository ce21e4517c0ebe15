"""Model versions: what each is and how good it was when tested, its lifecycle, and trials beside the served one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from classifier.domain.errors import ServiceError
from classifier.domain.vocabulary import Diagnosis, ModelLifecycle
from classifier.exports.trials import export_flips
from classifier.models import ModelVersion, OutlineNetwork, Prediction
from classifier.pages.access import operator_page, page
from classifier.pages.files import csv_download
from classifier.pages.history import build_group
from classifier.registry.trials import (
    Opponent,
    compare,
    find_flips,
    find_opponents,
    keep_opponent,
    select_pairs,
)
from classifier.registry.versions import change_lifecycle, find_newer_default
from portal.trust.accounts.roles import ROLES_ALLOWED, Action
from portal.trust.accounts.second_factor.step_up import step_up
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.models import Clinic
    from portal.trust.accounts.requests import PortalRequest


LIFECYCLE_ORDER = {
    ModelLifecycle.ACTIVE: 0,
    ModelLifecycle.SHADOW: 1,
    ModelLifecycle.REGISTERED: 2,
    ModelLifecycle.RETIRED: 3,
}
LIFECYCLE_WORDS = {
    ModelLifecycle.ACTIVE: "Judges every new case.",
    ModelLifecycle.SHADOW: "Runs in shadow: it judges every new image, and nobody is shown its answers.",
    ModelLifecycle.REGISTERED: "Known, not in use.",
    ModelLifecycle.RETIRED: "No longer in use. Its results stay and still name it.",
}
MOVES = {
    ModelLifecycle.ACTIVE: (),
    ModelLifecycle.SHADOW: (("active", "Activate"), ("retired", "Retire")),
    ModelLifecycle.REGISTERED: (("active", "Activate"), ("shadow", "Run in shadow"), ("retired", "Retire")),
    ModelLifecycle.RETIRED: (("active", "Activate again"), ("shadow", "Run in shadow")),
}
FIGURES = [
    ("auc", "AUC"),
    ("accuracy", "Accuracy at the threshold"),
    ("sensitivity", "Sensitivity: malignant found"),
    ("specificity", "Specificity: benign recognised"),
    ("coverage", "Images with an answer (not referred)"),
    ("decided_accuracy", "Accuracy among the images with an answer"),
    ("malignant_called_benign", "Malignant called benign"),
]
CLEAN = "test_clean"
"""Of the test images, those whose lesion no training image shows."""


@dataclass(frozen=True)
class Figure:
    """One figure of the test images, with its 95 % interval where there is one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ShadowAgreement:
    """How often a shadow said the same as what was served."""

    same: int
    total: int


@page(operators=True)
@require_safe
def model_list(request: PortalRequest) -> HttpResponse:
    versions = sorted(
        ModelVersion.objects.all(), key=lambda v: (LIFECYCLE_ORDER[ModelLifecycle(v.lifecycle)], str(v))
    )
    compared = _compare_shadows(request)
    is_operator = request.user.is_staff
    cards = [
        {
            "version": version,
            "words": LIFECYCLE_WORDS[ModelLifecycle(version.lifecycle)],
            "specification": version.specification,
            "figures": read_figures(version.specification),
            "images": read_test(version.specification).get("images"),
            "is_clean": bool(version.specification.get("metrics", {}).get(CLEAN)),
            "trained_on": _list_sets(version.specification),
            "comparison": compared.get(version.pk),
            "moves": MOVES[ModelLifecycle(version.lifecycle)] if is_operator else (),
            "is_non_commercial": _needs_note(str(version.specification.get("licence", ""))),
        }
        for version in versions
    ]
    networks = OutlineNetwork.objects.order_by("-registered_at")
    context = {"cards": cards, "newer": find_newer_default(), "outline_networks": networks}
    return render(request, "classifier/models/list.html", context)


def _list_sets(specification: dict[str, Any]) -> list[str]:
    """The sets of images that a version learned from; specifications name one or several."""
    sets = specification.get("training", {}).get("data", [])
    return [sets] if isinstance(sets, str) else list(sets)


def _needs_note(licence: str) -> bool:
    """A licence whose letters forbid commercial use, where its words don't say so."""
    return "-NC" in licence and "non-commercial" not in licence.lower()


def read_test(specification: dict[str, Any]) -> dict[str, Any]:
    """Figures of the test images, best those of lesions that it never saw; empty when there are none."""
    metrics = specification.get("metrics", {})
    test = metrics.get(CLEAN) or metrics.get("test", {})
    return test if isinstance(test, dict) else {}


def read_figures(specification: dict[str, Any]) -> list[Figure]:
    """What the specification says of the test images, in the order in which it is read."""
    test, figures = read_test(specification), []
    for name, label in FIGURES:
        found = test.get(name)
        if isinstance(found, dict) and isinstance(found.get("value"), int | float):
            figures.append(Figure(label, found["value"], found.get("low"), found.get("high")))
        elif isinstance(found, int | float):
            figures.append(Figure(label, found))
    return figures


def _compare_shadows(request: PortalRequest) -> dict[Any, ShadowAgreement]:
    """Counts for administrators (their clinic) and operators (every clinic)."""
    rows = Prediction.objects.judged().filter(is_shadow=True)
    if not request.user.is_staff:
        role = request.membership.role
        if role not in ROLES_ALLOWED[Action.ADMINISTER]:
            return {}
        rows = rows.filter(image__clinic=request.clinic)
    served = (
        Prediction.objects.served().judged().filter(image=OuterRef("image")).order_by("-queued_at", "-pk")
    )
    counts = (
        rows.annotate(served_outcome=Subquery(served.values("outcome")[:1]))
        .filter(served_outcome__isnull=False)
        .order_by()
        .values("model_version")
        .annotate(total=Count("pk"), same=Count("pk", filter=Q(outcome=F("served_outcome"))))
    )
    return {row["model_version"]: ShadowAgreement(row["same"], row["total"]) for row in counts}


# --- Lifecycle ----------------------------------------------------------------------------------
# Operators alone, each step asked before it is done.


TITLES = {
    ModelLifecycle.ACTIVE: "Let it judge every new case?",
    ModelLifecycle.SHADOW: "Run it in shadow?",
    ModelLifecycle.RETIRED: "Retire it?",
}
VERBS = {
    ModelLifecycle.ACTIVE: "Activate",
    ModelLifecycle.SHADOW: "Run in shadow",
    ModelLifecycle.RETIRED: "Retire",
}
DONE = {
    ModelLifecycle.ACTIVE: "judges every new case from now on. Old results keep their version.",
    ModelLifecycle.SHADOW: "now runs in shadow: it judges every new image, and nobody is shown its answers.",
    ModelLifecycle.RETIRED: "is retired. Its results stay.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@operator_page
def model_lifecycle(request: PortalRequest, version: uuid.UUID) -> HttpResponse:
    """Ask (GET ?to=…) and do (POST to=…)."""
    found = get_object_or_404(ModelVersion, pk=version)
    wanted = request.POST.get("to") or request.GET.get("to", "")
    if wanted not in VERBS:
        raise Http404
    lifecycle = ModelLifecycle(wanted)
    if request.method != "POST":
        context = {
            "model": found,
            "to": lifecycle,
            "title": TITLES[lifecycle],
            "verb": VERBS[lifecycle],
            "active": ModelVersion.objects.active().first(),
            "queued": Prediction.objects.unfinished().served().count(),
        }
        return render(request, "classifier/models/lifecycle.html", context)
    try:
        change_lifecycle(actor=request.user, version=found, lifecycle=lifecycle)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found} {DONE[lifecycle]}")
    return redirect("model-list")


# --- Trials -------------------------------------------------------------------------------------


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
