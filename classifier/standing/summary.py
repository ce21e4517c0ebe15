"""Case summary: what a case says as a whole: one rule for its page, every list, the export and the API.

The most worrying image speaks for the case. While any image is unfinished, or when the case was
cancelled, no outcome is given at all; images that could not be judged never count as benign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch

from classifier.domain.states import UNFINISHED, Headline, PredictionState
from classifier.domain.vocabulary import CaptureKind, ModelAnswer
from classifier.models import Prediction, Review
from classifier.standing.hiding import hides_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.models import Submission, SubmissionImage


IN_WORK = frozenset({Headline.QUEUED, Headline.RUNNING})
WITHHOLDING = IN_WORK | {Headline.CANCELLED, Headline.HIDDEN}
"""Headlines under which no image's own outcome is shown either."""
JUDGED = frozenset({Headline.MALIGNANT, Headline.REFER, Headline.BENIGN})


@dataclass(frozen=True)
class ImageAnswer:
    """One image and the prediction that people see of it; None while there is none."""

    image: SubmissionImage
    prediction: Prediction | None
    is_hidden: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether the model was to judge the image: it is asked about dermoscopic ones only."""
        return self.prediction is not None or self.image.capture_kind == CaptureKind.DERMOSCOPIC

    @property
    def state(self) -> str:
        """Of the prediction; empty for an image that the model was never asked about."""
        if self.prediction:
            return self.prediction.state
        return PredictionState.FAILED.value if self.is_asked else ""

    @property
    def is_judged(self) -> bool:
        return self.state == PredictionState.SUCCEEDED

    @property
    def is_given_up(self) -> bool:
        """Ended without an answer, for a reason that is told."""
        if self.state == PredictionState.CANCELLED:
            # With its consent withdrawn; a cancelled case says so itself.
            return bool(self.prediction and self.prediction.error_code)
        return self.state in (PredictionState.REJECTED, PredictionState.FAILED)

    @property
    def is_refused(self) -> bool:
        """Refused by the gates before the model saw it; not told while the answer is hidden."""
        return bool(self.prediction and self.prediction.is_refused and not self.is_hidden)

    @property
    def is_far(self) -> bool:
        """Referred for being unlike what the network learned from; not told while the answer is hidden."""
        return bool(self.prediction and self.prediction.is_far and not self.is_hidden)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the gates refused the image, each a sentence with what to do."""
        return tuple(one["message"] for one in self.image.gate_refusals) if self.is_refused else ()

    @property
    def outcome(self) -> str:
        return self.prediction.outcome if self.prediction and not self.is_hidden else ""


@dataclass(frozen=True)
class CaseSummary:
    """The headline of a case, the image that speaks for it, and every image's own answer."""

    headline: Headline
    speaker: ImageAnswer | None
    answers: tuple[ImageAnswer, ...]
    is_reviewed: bool
    is_blinded: bool = False
    """Whether the viewer may not know what the model says of any image, be the case finished or not."""

    @property
    def is_in_work(self) -> bool:
        return self.headline in IN_WORK

    @property
    def is_judged(self) -> bool:
        return self.headline in JUDGED

    @property
    def is_hidden(self) -> bool:
        return self.headline == Headline.HIDDEN

    @property
    def outcome(self) -> str:
        """`benign`, `malignant`, `refer`, or empty when the case has none to show.

        The key that integrators know: of a case that was not judged it is `refer`, too.
        """
        if self.headline == Headline.NOT_JUDGED:
            return ModelAnswer.REFER.value
        return self.headline.value if self.is_judged else ""

    @property
    def prediction(self) -> Prediction | None:
        """The prediction behind the outcome; None without one."""
        return self.speaker.prediction if self.is_judged and self.speaker else None

    @property
    def asked(self) -> tuple[ImageAnswer, ...]:
        """Images that the model was to judge; the others are shown and compared."""
        return tuple(a for a in self.answers if a.is_asked)

    @property
    def shown(self) -> ImageAnswer | None:
        """What stands for the case: the image it is about, else the first that the model was to judge."""
        return self.speaker or next(iter(self.asked or self.answers), None)

    @property
    def image(self) -> SubmissionImage | None:
        """The image of `shown`."""
        return self.shown.image if self.shown else None

    @property
    def has_figure(self) -> bool:
        """Whether the headline stands on a figure: not on a refusal of the gates, nor on a far picture."""
        return self.prediction is not None and not self.is_far

    @property
    def is_far(self) -> bool:
        """Whether the case is referred because its pictures are unlike what the network learned from."""
        return self.headline == Headline.REFER and self.speaker is not None and self.speaker.is_far

    @property
    def refused(self) -> tuple[ImageAnswer, ...]:
        """Images that the gates refused; none while the case shows no outcome."""
        return tuple(a for a in self.answers if a.is_refused)

    @property
    def refusal_reason(self) -> str:
        """Why the case was referred without a figure, without what to do: for a row of a list.

        Of a case that stands on its other images, whatever one of them was refused for says nothing.
        """
        if self.prediction is not None:
            return ""
        return next((a.refusals[0].partition(". ")[0] + "." for a in self.refused if a.refusals), "")

    @property
    def unjudged(self) -> tuple[ImageAnswer, ...]:
        """Images that ended without an answer, whatever the headline."""
        return tuple(a for a in self.answers if a.is_given_up)

    @property
    def finished_count(self) -> int:
        return sum(1 for a in self.asked if not (a.prediction and a.prediction.is_unfinished))


def summary_prefetches() -> list[str | Prefetch[Any]]:
    """What `summarise` reads, for `prefetch_related(*summary_prefetches())` on submissions."""
    served = Prediction.objects.served().select_related("model_version").defer("model_version__specification")
    signed = Review.objects.select_related("signed_by").order_by("signed_at")
    return [
        "images",
        Prefetch("images__predictions", queryset=served),
        Prefetch("reviews", queryset=signed),
    ]


def summarise(submission: Submission, *, role: str | None = None) -> CaseSummary:
    """Summarise a case for a viewer whose role in its clinic is `role`.

    Reads images, their predictions and reviews: load them with `summary_prefetches()`, and the
    clinic with select_related. To whom `classifier.standing.hiding` hides the answer the headline is
    "Read first"; without `role` nothing is hidden, as on the reading page behind the viewer's own reading.
    """
    answers = tuple(
        ImageAnswer(image, find_served(image))
        for image in sorted(submission.images.all(), key=lambda image: image.position)
    )
    headline, speaker = _find_headline(submission, answers)
    is_blinded = hides_answer(submission, role)
    has_answer = headline not in IN_WORK | {Headline.CANCELLED} and any(a.is_judged for a in answers)
    if is_blinded and has_answer:
        headline, speaker = Headline.HIDDEN, None
    if headline in WITHHOLDING:
        answers = tuple(replace(answer, is_hidden=answer.is_judged) for answer in answers)
    return CaseSummary(headline, speaker, answers, bool(submission.reviews.all()), is_blinded)


def find_served(image: Any) -> Any:
    """The newest prediction of `image` that people see: a retry replaces the failure before it. None without one.

    Reads fields alone, so that a migration may call it with the models of its time.
    """
    served = [found for found in image.predictions.all() if not found.is_shadow]
    return max(served, key=lambda found: (found.queued_at, str(found.pk)), default=None)


def _find_headline(
    submission: Submission, answers: tuple[ImageAnswer, ...]
) -> tuple[Headline, ImageAnswer | None]:
    if submission.cancelled_at is not None:
        return Headline.CANCELLED, None
    headline, prediction = weigh_images([(a.state, a.prediction, a.image.capture_kind) for a in answers])
    return headline, next((a for a in answers if prediction and a.prediction == prediction), None)


def weigh_images(images: Sequence[tuple[str, Any, str]]) -> tuple[Headline, Any]:
    """The model's answer for a case, and the prediction that speaks for it, from its images.

    Each image as (state, served prediction or None, capture kind). The most worrying speaks: malignant,
    refer, not judged, benign. An image that the model was never to judge says nothing.
    """
    asked = [
        (state or PredictionState.FAILED, found)
        for state, found, kind in images
        if found is not None or kind == CaptureKind.DERMOSCOPIC
    ]
    states = {state for state, _ in asked}
    if images and not asked:
        return Headline.NOT_ASKED, None
    if states & UNFINISHED:
        # Some are done and some wait: work has begun.
        return (Headline.QUEUED if states == {PredictionState.QUEUED} else Headline.RUNNING), None
    return _weigh_finished(asked)


def _rank_speaker(found: Any) -> tuple[bool, float]:
    """A figure with ground speaks before one without; the models of an earlier migration know no ground."""
    return not getattr(found, "is_far", False), found.calibrated_probability


def _weigh_finished(asked: Sequence[tuple[str, Any]]) -> tuple[Headline, Any]:
    judged = [
        found for state, found in asked if state == PredictionState.SUCCEEDED and not found.refusal_code
    ]
    refused = [found for state, found in asked if state == PredictionState.SUCCEEDED and found.refusal_code]
    for outcome, headline in (
        (ModelAnswer.MALIGNANT, Headline.MALIGNANT),
        (ModelAnswer.REFER, Headline.REFER),
    ):
        if same := [found for found in judged if found.outcome == outcome]:
            return headline, max(same, key=_rank_speaker)
    if refused:
        return Headline.NOT_JUDGED, refused[0]
    if judged and len(judged) == len(asked):
        return Headline.BENIGN, max(judged, key=lambda found: found.calibrated_probability)
    if judged:
        return Headline.INCOMPLETE, None
    only_rejected = {state for state, _ in asked} == {PredictionState.REJECTED}
    return (Headline.REJECTED if only_rejected else Headline.FAILED), None
