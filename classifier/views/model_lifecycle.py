"""Activate a version, run it in shadow, retire it: operators alone, each asked before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from classifier.models import ModelVersion, Prediction
from classifier.services.errors import ServiceError
from classifier.services.model_versions import change_lifecycle
from classifier.views.access import operator_page
from classifier.vocabulary import ModelLifecycle

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest

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
