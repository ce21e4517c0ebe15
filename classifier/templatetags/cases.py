"""How cases look: what they are held for, and what the model says of them and of each picture."""

from typing import Any

from django import template

from classifier.domain.vocabulary import Standing
from classifier.labels.answers import describe_reason, list_far
from classifier.labels.gates import GateFigure, list_figures
from classifier.labels.looks import Look, look_of_case, look_of_image
from classifier.labels.standing import (
    LOOKS,
    StandingLabel,
    format_model_below,
    is_decided,
    label_case,
    label_standing,
)
from classifier.labels.text import (
    MINUTE,
    describe_age,
    describe_birth,
    describe_day,
    list_given_texts,
    list_texts,
    name_site,
)
from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from classifier.standing.hiding import hides_standing_of
from classifier.standing.summary import CaseSummary, ImageAnswer

register = template.Library()

register.filter("day", describe_day)
register.filter("age", describe_age)
register.filter("birth", describe_birth)
register.filter("is_decided", is_decided)
register.filter("reason", describe_reason)
register.filter("far_notes", list_far)
register.filter("question_texts", list_texts)
register.filter("given_texts", list_given_texts)


@register.inclusion_tag("components/chip.html")
def case_chip(summary: CaseSummary, *, large: bool = False, is_plain: bool = False) -> dict[str, Any]:
    """Chip of what the model says of a case: an outcome only where the case has one to show.

    `is_plain` leaves the colour out: where people decided, it would speak louder than they do.
    """
    look = look_of_case(summary, is_plain=is_plain)
    return {"look": look, "large": large, "word": look.word}


@register.inclusion_tag("components/chip.html")
def case_standing(submission: Submission, summary: CaseSummary) -> dict[str, Any]:
    """Chip of what a case is held for and who said so, as the viewer of `summary` may know it."""
    return _draw(standing_label(submission, summary))


@register.inclusion_tag("components/chip.html")
def standing_chip(row: Lesion | Patient, *, is_hidden: bool = False) -> dict[str, Any]:
    """Chip of what a lesion or a patient is held for: the worst that is open, with who said so."""
    return _draw(label_standing(row, is_hidden=is_hidden))


def _draw(label: StandingLabel) -> dict[str, Any]:
    return {"look": label, "large": False, "word": label.word, "note": label.note}


@register.inclusion_tag("components/chip.html")
def standing_word_chip(standing: Standing) -> dict[str, Any]:
    """Chip of a standing alone, where figures count cases by it."""
    tone, icon = LOOKS[standing]
    return {"look": Look(tone, icon, ""), "large": False, "word": standing.label}


@register.simple_tag
def model_below(submission: Submission, summary: CaseSummary) -> str:
    """What the model had said, in small, where people decided: never in its colour beside their word."""
    return "" if summary.is_hidden else format_model_below(submission, is_far=summary.is_far)


@register.simple_tag
def standing_label(submission: Submission, summary: CaseSummary) -> StandingLabel:
    """What a case is held for, as the viewer of `summary` may know it: word, tone, icon, who said so."""
    return label_case(submission, is_hidden=hides_standing_of(submission, summary))


@register.inclusion_tag("components/chip.html")
def image_chip(answer: ImageAnswer, *, is_plain: bool = False) -> dict[str, Any]:
    """Chip of the model's answer for one image, as `case_chip`; "Done" while the case shows none."""
    look = look_of_image(answer, is_plain=is_plain)
    return {"look": look, "large": False, "word": look.word}


@register.filter
def kind_words(image: SubmissionImage) -> str:
    """What a picture is: "Dermoscopic, contact, polarised", "Clinical close-up", "Overview"."""
    kind = str(image.get_capture_kind_display())
    how = image.get_dermoscopic_type_display() if image.dermoscopic_type else ""
    return f"{kind}, {how.lower()}" if how else kind


@register.filter
def gate_figures(image: SubmissionImage) -> list[GateFigure]:
    """What the gates measured of an image, as rows of a table."""
    return list_figures(image)


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
