"""Looks: tone, icon and word of every value that a chip shows, on pages and on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.domain.states import Headline, PredictionState

if TYPE_CHECKING:
    from classifier.standing.summary import CaseSummary, ImageAnswer


@dataclass(frozen=True)
class Look:
    """Tone (a colour token), icon of the sprite and word of one vocabulary value."""

    tone: str
    icon: str
    word: str


OUTCOMES = {
    "benign": Look("benign", "outcome-benign", "Benign"),
    "malignant": Look("malignant", "outcome-malignant", "Malignant"),
    "refer": Look("refer", "outcome-refer", "Refer"),
    "waiting": Look("waiting", "outcome-waiting", "Waiting"),
    "failed": Look("failed", "outcome-failed", "Failed"),
}

STATES = {
    "draft": Look("waiting", "edit", "Draft"),
    "queued": Look("waiting", "clock", "In the queue"),
    "running": Look("accent", "outcome-waiting", "In work"),
    "succeeded": Look("plain", "check", "Done"),
    "rejected": Look("refer", "outcome-refer", "Not usable"),
    "failed": Look("failed", "outcome-failed", "Failed"),
    "cancelled": Look("plain", "close", "Withdrawn"),
    "unreviewed": Look("plain", "eye", "Preliminary"),
    "preliminary": Look("plain", "eye", "Preliminary"),
    "signed": Look("accent", "signature", "Signed"),
    "amended": Look("accent", "edit", "Amended"),
}

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

NOT_ASKED = Look("plain", "eye", "Not for the model")

IMAGE_HEADLINES: dict[str, Headline] = {
    PredictionState.QUEUED: Headline.QUEUED,
    PredictionState.RUNNING: Headline.RUNNING,
    PredictionState.REJECTED: Headline.REJECTED,
    PredictionState.FAILED: Headline.FAILED,
    PredictionState.CANCELLED: Headline.CANCELLED,
}


def look_of_case(summary: CaseSummary, *, is_plain: bool = False) -> Look:
    """How what the model says of a case looks: an outcome only where the case has one to show.

    `is_plain` leaves the colour out: where people decided, it would speak louder than they do.
    """
    return _tone_down(HEADLINES[summary.headline], is_plain=is_plain)


def look_of_image(answer: ImageAnswer, *, is_plain: bool = False) -> Look:
    """The same of one image; "Done" while the case shows no answer."""
    return _tone_down(_look_up(answer), is_plain=is_plain)


def _tone_down(look: Look, *, is_plain: bool) -> Look:
    return Look("plain", look.icon, look.word) if is_plain else look


def _look_up(answer: ImageAnswer) -> Look:
    if not answer.is_asked:
        return NOT_ASKED
    if answer.is_hidden:
        return STATES["succeeded"]
    if answer.is_refused:
        return HEADLINES[Headline.NOT_JUDGED]
    return HEADLINES[answer.outcome or IMAGE_HEADLINES[answer.state]]
