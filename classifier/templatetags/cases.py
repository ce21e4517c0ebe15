"""How a case's headline looks: word, icon and tone for each."""

from typing import Any

from django import template

from classifier.case_summary import CaseSummary, ImageAnswer
from classifier.gate_words import GateFigure, list_figures
from classifier.labels.standing import label_case, label_standing
from classifier.models import Lesion, Prediction, Submission, SubmissionImage
from classifier.models.standing_columns import StandingColumns
from classifier.states import Headline, PredictionState
from classifier.templatetags.ui import OUTCOMES, STATES, Look
from classifier.wording import MINUTE, describe_age, describe_birth, describe_day, name_site

register = template.Library()

register.filter("day", describe_day)
register.filter("age", describe_age)
register.filter("birth", describe_birth)

HEADLINES: dict[str, Look] = {
    Headline.CANCELLED: Look("plain", "close", "Withdrawn"),
    Headline.QUEUED: Look("waiting", "clock", "In the queue"),
    Headline.RUNNING: Look("waiting", "outcome-waiting", "In work"),
    Headline.HIDDEN: Look("waiting", "eye", "Read first"),
    Headline.MALIGNANT: OUTCOMES["malignant"],
    Headline.REFER: OUTCOMES["refer"],
    Headline.INCOMPLETE: Look("failed", "outcome-failed", "Incomplete"),
    Headline.FAILED: Look("failed", "outcome-failed", "Failed"),
    Headline.REJECTED: Look("failed", "outcome-failed", "Not judged"),
    Headline.NOT_JUDGED: Look("failed", "outcome-failed", "Not judged"),
    Headline.NOT_ASKED: Look("plain", "eye", "For a reader"),
    Headline.BENIGN: OUTCOMES["benign"],
}

IMAGE_HEADLINES: dict[str, Headline] = {
    PredictionState.QUEUED: Headline.QUEUED,
    PredictionState.RUNNING: Headline.RUNNING,
    PredictionState.REJECTED: Headline.REJECTED,
    PredictionState.FAILED: Headline.FAILED,
    PredictionState.CANCELLED: Headline.CANCELLED,
}


@register.inclusion_tag("components/chip.html")
def case_chip(summary: CaseSummary, *, large: bool = False) -> dict[str, Any]:
    """Chip of a case's headline: an outcome only where the case has one to show."""
    look = HEADLINES[summary.headline]
    return {"look": look, "large": large, "word": look.word}


@register.inclusion_tag("components/chip.html")
def standing_chip(row: StandingColumns, *, is_hidden: bool = False, large: bool = False) -> dict[str, Any]:
    """Chip of what a case, a lesion or a patient is held for, with who said it beside it."""
    label = (
        label_case(row, is_hidden=is_hidden)
        if isinstance(row, Submission)
        else label_standing(row, is_hidden=is_hidden)
    )
    return {"look": label, "large": large, "word": label.word, "note": label.note}


@register.inclusion_tag("components/chip.html")
def image_chip(answer: ImageAnswer) -> dict[str, Any]:
    """Chip of one image's own answer; a plain "Done" while the case shows no outcome."""
    if answer.is_hidden:
        look = STATES["succeeded"]
    else:
        look = HEADLINES[answer.outcome or IMAGE_HEADLINES[answer.state]]
    return {"look": look, "large": False, "word": look.word}


@register.filter
def gate_figures(image: SubmissionImage) -> list[GateFigure]:
    """What the gates measured of an image, as rows of a table."""
    return list_figures(image)


@register.filter
def case_tone(summary: CaseSummary) -> str:
    """Class suffix of the headline's colours."""
    return HEADLINES[summary.headline].tone


@register.filter
def short_site(lesion: Lesion) -> str:
    """The site without the regions round it: "Left shoulder"."""
    return name_site(lesion)


@register.filter
def waited(prediction: Prediction) -> str:
    """From queued to finished, in words: "1.4 s"."""
    if prediction.finished_at is None:
        return ""
    seconds = (prediction.finished_at - prediction.queued_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"
