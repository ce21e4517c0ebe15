"""What a page shows of where the model looked: the panel below a picture, in each of its states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.urls import reverse

from classifier.models import Explanation

if TYPE_CHECKING:
    from classifier.case_summary import ImageAnswer
    from classifier.models import Prediction

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
