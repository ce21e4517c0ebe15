"""Where the model looked: ask for it, watch it being made, and the overlay itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from classifier.cases.access import record_viewed
from classifier.cases.explanations import check_may_see, check_shown, request_explanation
from classifier.domain.errors import ConflictError
from classifier.domain.states import PredictionState
from classifier.models import Explanation, Prediction
from classifier.pages.access import get_visible, page, rights_in
from classifier.pages.files import serve_file
from portal.trust.accounts.sessions.limits import background

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse, HttpResponseBase

    from classifier.standing.summary import ImageAnswer
    from portal.trust.accounts.requests import PortalRequest


# --- Panel below a picture ----------------------------------------------------------------------


PAGES = {"case": "submission-detail", "review": "submission-review"}

SLOT = "overlay"
"""Id of the place in the page's viewer that takes the overlay."""

LIMITS = (
    "It shows where in the picture the network's figure came from, not why, and not where the disease is. "
    "A sensible map doesn't make the figure right."
)


@dataclass(frozen=True)
class ExplanationPanel:
    """The newest explanation of one prediction, for one of the two pages that show it."""

    prediction: Prediction
    page: str
    explanation: Explanation | None = None
    is_shown: bool = False
    """Whether the overlay is visible from the start."""
    error: str = ""
    limits: str = field(default=LIMITS)
    slot: str = field(default=SLOT)

    @property
    def is_available(self) -> bool:
        """Whether there is a figure to explain."""
        return self.prediction.probability is not None

    @property
    def is_in_work(self) -> bool:
        return self.explanation is not None and self.explanation.is_unfinished

    @property
    def is_done(self) -> bool:
        return self.explanation is not None and self.explanation.is_done

    @property
    def address(self) -> str:
        """Where the panel is asked for again."""
        return f"{reverse('prediction-explanation', args=[self.prediction.pk])}?page={self.page}"

    @property
    def shown_address(self) -> str:
        """The same page with the overlay over the picture, for those without script."""
        return f"{self.hidden_address.partition('#')[0]}&map=on#picture"

    @property
    def hidden_address(self) -> str:
        submission = self.prediction.image.submission_id
        return f"{reverse(PAGES[self.page], args=[submission])}?image={self.prediction.image_id}#picture"


def find_panel(answer: ImageAnswer | None, *, page: str, is_shown: bool) -> ExplanationPanel | None:
    """The panel of one image's answer; None where the page shows nothing of it (yet)."""
    if answer is None or answer.prediction is None or answer.is_hidden or answer.prediction.is_unfinished:
        return None
    return build_panel(answer.prediction, page=page, is_shown=is_shown)


def build_panel(
    prediction: Prediction, *, page: str, is_shown: bool = False, error: str = ""
) -> ExplanationPanel:
    """The panel of `prediction`; with an `error`, a sentence, and nothing else in it."""
    rows = Explanation.objects.filter(prediction=prediction).order_by("-requested_at")
    newest = None if error else rows.first()
    return ExplanationPanel(prediction, page, newest, is_shown=is_shown, error=error)


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
