"""The registered networks: what each is, how good it was when tested, and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.models import ModelVersion, Prediction
from classifier.services.model_versions import find_newer_default
from classifier.views.access import page
from classifier.vocabulary import ModelLifecycle
from portal.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

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
class Comparison:
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
    context = {"cards": cards, "newer": find_newer_default()}
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


def _compare_shadows(request: PortalRequest) -> dict[Any, Comparison]:
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
    return {row["model_version"]: Comparison(row["same"], row["total"]) for row in counts}
