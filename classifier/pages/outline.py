"""Outline of the lesion: ask for it, watch it being made, and the polygon over the picture with its measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from classifier.cases.access import record_viewed
from classifier.cases.outlines import (
    IncomparableError,
    compare_outlines,
    find_done_outlines,
    find_outline,
    request_outline,
)
from classifier.domain.errors import ConflictError
from classifier.domain.vocabulary import CaptureKind
from classifier.labels.outlines import (
    CUT,
    NAMES,
    NOT_A_VERDICT,
    describe_repeatability,
    format_change,
    format_measure,
    list_measures,
)
from classifier.models import Outline, SubmissionImage
from classifier.pages.access import get_visible, page, rights_in
from portal.trust.accounts.sessions.limits import background

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.trust.accounts.requests import PortalRequest

PAGES = {"case": "submission-detail", "review": "submission-review"}
SLOT = "outline-overlay"
"""Id of the place in the page's viewer that takes the polygon."""
# Those of a polygon's points: this many make the picture's width, or its height.
_UNITS = 10_000


def draw_points(outline: Outline, image: SubmissionImage) -> str:
    """The polygon as SVG takes it, in pixels of the picture: "12.5,30.1 …"."""
    return " ".join(
        f"{x * image.width / _UNITS:.1f},{y * image.height / _UNITS:.1f}" for x, y in outline.points
    )


@dataclass(frozen=True)
class DrawnOutline:
    """A finished outline in the viewer's place `slot`."""

    image: SubmissionImage
    outline: Outline | None
    slot: str = SLOT
    is_shown: bool = False

    @property
    def is_done(self) -> bool:
        return self.outline is not None and self.outline.is_done

    @property
    def points(self) -> str:
        return draw_points(self.outline, self.image) if self.outline else ""


@dataclass(frozen=True)
class OutlinePanel(DrawnOutline):
    """The newest outline of one image, for one of the two pages that show it."""

    page: str = "case"
    error: str = ""
    limits: str = NOT_A_VERDICT
    cut: str = CUT

    @property
    def is_in_work(self) -> bool:
        return self.outline is not None and self.outline.is_unfinished

    @property
    def measures(self) -> list[tuple[str, str, str]]:
        return list_measures(self.outline) if self.outline and self.is_done else []

    @property
    def address(self) -> str:
        """Where the panel is asked for again."""
        return f"{reverse('image-outline', args=[self.image.pk])}?page={self.page}"

    @property
    def shown_address(self) -> str:
        """The same page with the outline over the picture, for those without script."""
        return f"{self.hidden_address.partition('#')[0]}&outline=on#picture"

    @property
    def hidden_address(self) -> str:
        return f"{reverse(PAGES[self.page], args=[self.image.submission_id])}?image={self.image.pk}#picture"


def find_outline_panel(
    image: SubmissionImage | None, *, page: str, is_shown: bool = False, error: str = ""
) -> OutlinePanel | None:
    """The panel of one image; None where there is none to outline: no picture, or not a dermoscopic one."""
    if image is None or image.capture_kind != CaptureKind.DERMOSCOPIC:
        return None
    outline = None if error else find_outline(image)
    return OutlinePanel(image, outline, is_shown=is_shown, page=page, error=error)


@background
@require_http_methods(["GET", "HEAD", "POST"])
@page()
def image_outline(request: PortalRequest, pk: uuid.UUID) -> HttpResponse:
    """The panel (GET); ask for the outline (POST). It polls for itself while the outline is made."""
    images = SubmissionImage.objects.select_related(
        "submission__clinic", "submission__lesion__patient__clinic"
    )
    image: SubmissionImage = get_visible(images, request, pk)
    rights = rights_in(request, image.clinic_id)
    name = request.GET.get("page", "")
    name = name if name in PAGES else "case"
    error = _ask(request, image) if request.method == "POST" else ""
    panel = find_outline_panel(image, page=name, is_shown=True, error=error)
    if request.method == "POST" and not request.htmx:
        if error:
            messages.error(request, error)
        shown = OutlinePanel(image, None, page=name)
        return redirect(shown.shown_address)
    if panel and panel.outline and panel.is_done:
        with transaction.atomic():
            record_viewed(actor=request.user, obj=panel.outline, clinic_id=image.clinic_id)
    context = {"outline": panel, "is_fragment": True, "rights": rights}
    return render(request, "classifier/partials/outline.html", context)


def _ask(request: PortalRequest, image: SubmissionImage) -> str:
    """Ask for the outline; the sentence that says why not, if so."""
    try:
        request_outline(actor=request.user, image=image)
    except ConflictError as conflict:
        return conflict.message
    return ""


# --- Change since the last visit ----------------------------------------------------------------


@dataclass(frozen=True)
class ChangeRow:
    """One measure at two visits, in words; `is_beyond` where it moved further than without any change."""

    label: str
    before: str
    now: str
    change: str
    repeatability: str
    is_beyond: bool | None


@dataclass(frozen=True)
class LesionOutlines:
    """Both pictures' outlines on the lesion's page, and what changed between them.

    `note`: why nothing is compared, or what the comparison rests on.
    """

    before: DrawnOutline
    now: DrawnOutline
    rows: list[ChangeRow]
    note: str


ASK_FIRST = "Outline both pictures on their cases (key i) to see what changed."
SAME_DISTANCE = (
    "Sizes are shares of the picture: they compare only where both were taken from the same distance."
)


def compare_images(before: SubmissionImage, now: SubmissionImage) -> LesionOutlines:
    """What changed between the outlines of two images of one lesion; one query."""
    done = find_done_outlines([before, now])
    first, second = done.get(before.pk), done.get(now.pk)
    rows: list[ChangeRow] = []
    if first is None or second is None:
        note = ASK_FIRST
    else:
        try:
            changes = compare_outlines(first, second)
        except IncomparableError as error:
            note = str(error)
        else:
            note = SAME_DISTANCE if any(change.name == "area" for change in changes) else ""
            rows = [
                ChangeRow(
                    NAMES[change.name.partition("_")[0]],
                    format_measure(change.name, change.before),
                    format_measure(change.name, change.now),
                    format_change(change.name, change.change),
                    describe_repeatability(change.name, change.moves),
                    change.is_beyond,
                )
                for change in changes
            ]
    return LesionOutlines(
        DrawnOutline(before, first, "outline-before"), DrawnOutline(now, second, "outline-now"), rows, note
    )
