"""Where the model looked: ask for it, watch it being made, and the overlay itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from classifier.explanation_panel import PAGES, build_panel
from classifier.models import Explanation, Prediction
from classifier.services.access import record_viewed
from classifier.services.errors import ConflictError
from classifier.services.explanations import check_may_see, check_shown, request_explanation
from classifier.states import PredictionState
from classifier.views.access import get_visible, page
from classifier.views.images import serve_file
from classifier.views.rights import rights_in
from portal.accounts.session_limits import background

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse, HttpResponseBase

    from portal.accounts.requests import PortalRequest

OVERLAY_CONTENT_TYPE = "image/png"


@background
@require_http_methods(["GET", "HEAD", "POST"])
@page()
def prediction_explanation(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The panel (GET); ask for the map (POST). It polls for itself while the map is made."""
    prediction = _find(request, pk)
    name = request.GET.get("page", "")
    name = name if name in PAGES else "case"
    error = _ask(request, prediction) if request.method == "POST" else _find_conflict(prediction)
    if request.method == "POST" and not request.htmx:
        if error:
            messages.error(request, error)
        return redirect(build_panel(prediction, page=name).shown_address)
    with transaction.atomic():
        panel = build_panel(prediction, page=name, is_shown=True, error=error)
        if panel.explanation and panel.is_done:
            _record(request, panel.explanation, prediction)
    context = {"panel": panel, "is_fragment": True}
    return render(request, "classifier/partials/explanation.html", context)


@background
@require_safe
@page()
def explanation_overlay(request: PortalRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The overlay of a prediction, a transparent PNG. Each look leaves an event."""
    prediction = _find(request, pk)
    if _find_conflict(prediction):
        raise Http404
    with transaction.atomic():
        explanation = Explanation.objects.filter(
            prediction=prediction, state=PredictionState.SUCCEEDED
        ).first()
        if explanation is None:
            raise Http404
        _record(request, explanation, prediction)
    return serve_file(
        request,
        explanation.overlay,
        key=explanation.pk,
        kind="overlay",
        content_type=OVERLAY_CONTENT_TYPE,
        caching="private, no-cache",
    )


def _find(request: PortalRequest, pk: uuid.UUID) -> Prediction:
    rows = Prediction.objects.served().select_related("image__submission__clinic")
    prediction: Prediction = get_visible(rows, request, pk)
    rights_in(request, prediction.image.clinic_id)
    check_may_see(actor=request.user, prediction=prediction)
    return prediction


def _ask(request: PortalRequest, prediction: Prediction) -> str:
    """Ask for the map; the sentence that says why not, if so."""
    try:
        request_explanation(actor=request.user, prediction=prediction)
    except ConflictError as conflict:
        return conflict.message
    return ""


def _find_conflict(prediction: Prediction) -> str:
    try:
        check_shown(prediction)
    except ConflictError as conflict:
        return conflict.message
    return ""


def _record(request: PortalRequest, explanation: Explanation, prediction: Prediction) -> None:
    record_viewed(actor=request.user, obj=explanation, clinic_id=prediction.image.clinic_id)
