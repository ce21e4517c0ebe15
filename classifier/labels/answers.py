"""Headlines: what a case's headline means in words: one sentence, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.domain.states import Headline, PredictionState
from classifier.domain.vocabulary import TOO_CLOSE, UNLIKE_TRAINING, CaptureKind
from classifier.intake.quality import POOR

if TYPE_CHECKING:
    from classifier.models import Prediction
    from classifier.standing.summary import CaseSummary


@dataclass(frozen=True)
class Words:
    """A sentence that says what the headline means, and what to do now."""

    sentence: str
    next_step: str


REFUSED = Words(
    "The model was not asked: it can't judge what was sent.",
    "Take the picture again as said above and submit it for the same lesion. If the lesion worries "
    "you, refer without waiting.",
)
WORDS: dict[Headline, Words] = {
    Headline.MALIGNANT: Words(
        "The model reads this lesion as malignant.",
        "Have a dermatologist see the patient soon. If you suspect melanoma yourself, refer now: "
        "don't wait for the review of this case.",
    ),
    Headline.REFER: Words(
        "The model does not decide: its figure is too close to the threshold.",
        "Take this as no answer. Have a dermatologist look at the lesion; another, sharper image may help.",
    ),
    Headline.BENIGN: Words(
        "The model reads this lesion as benign.",
        "A dermatologist reviews it before it counts. If the lesion grows, bleeds or worries you "
        "or the patient, refer whatever the model says.",
    ),
    Headline.NOT_JUDGED: REFUSED,
    Headline.NOT_ASKED: Words(
        "The model was not asked: it judges dermoscopic pictures only.",
        "A dermatologist reads this case. If the lesion worries you, refer without waiting.",
    ),
    Headline.INCOMPLETE: Words(
        "The model could not judge every image, so it gives no answer for this case.",
        "Try the failed images again and replace those that can't be judged, or have a dermatologist look.",
    ),
    Headline.REJECTED: Words(
        "The model can't judge what was sent.",
        "Take the image again and submit it. If the lesion worries you, refer without waiting.",
    ),
    Headline.FAILED: Words(
        "There is no result: the portal could not finish its work.",
        "Try again. If it fails a second time, tell your operator; if the lesion worries you, "
        "refer without waiting.",
    ),
    Headline.CANCELLED: Words(
        "This case was withdrawn. It gives no result.",
        "Submit the images again if you still have the question.",
    ),
    Headline.HIDDEN: Words(
        "Your clinic shows the model's answer only after a dermatologist has read the case.",
        "Read the images and sign your review; the answer appears then.",
    ),
    Headline.QUEUED: Words("The model has not begun yet.", ""),
    Headline.RUNNING: Words("The model is at work on this case.", ""),
}

REFUSED_PARTLY = Words(
    "The model could not judge every image, so this case has no answer.",
    "Take the refused pictures again as said above and submit them for the same lesion, or have a "
    "dermatologist look. If the lesion worries you, refer without waiting.",
)


FAR = Words(
    "The model does not decide: the picture is unlike the pictures it learned from.",
    "Take this as no answer. Have a dermatologist look at the lesion.",
)

# Why the model refers a picture that the gates let pass, by `Prediction.referral_code`.
REFERRALS = {
    TOO_CLOSE: "Too close to the threshold.",
    UNLIKE_TRAINING: "Unlike the pictures it learned from.",
}


def describe_referral(prediction: Prediction) -> str:
    """Why one image was referred, in a sentence; empty for another answer. Reads the image."""
    if prediction.is_refused:
        return next((str(one["message"]) for one in prediction.image.gate_refusals), "")
    return REFERRALS.get(prediction.referral_code, "")


def describe_reason(summary: CaseSummary) -> str:
    """Why a case was referred without a figure, for a row of a list; empty where it has one."""
    return REFERRALS[UNLIKE_TRAINING] if summary.is_far else summary.refusal_reason


def choose_words(summary: CaseSummary) -> Words:
    """The words of a case's headline; some of one refused in part, and of one without ground, are their own."""
    if summary.is_far:
        return FAR
    if summary.headline == Headline.NOT_JUDGED and any(not a.is_refused for a in summary.asked):
        return REFUSED_PARTLY
    return WORDS[summary.headline]


CANNOT_JUDGE = (
    "It sees one picture: not the patient's age, history, other lesions or what you feel.",
    "It learned from dermoscopic pictures of single lesions, few of them on brown or dark skin.",
    "It can't judge nails, mucosa, or treated or wounded skin, even where it gives a figure.",
    (
        "It can't know how common malignant lesions are among your patients: its figure holds for as many as "
        "your clinic has set."
    ),
)


def count_images(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"


def find_cautions(summary: CaseSummary) -> list[str]:
    """What to keep in mind about this very case, beside what holds for every case."""
    cautions = list_far(summary)
    unjudged = len(summary.unjudged) + len(summary.refused)
    if summary.has_figure and unjudged:
        cautions.append(
            f"{unjudged} of {count_images(len(summary.asked))} could not be judged. "
            "The answer rests on the others."
        )
    if summary.has_figure and summary.image and summary.image.capture_kind != CaptureKind.DERMOSCOPIC:
        cautions.append(
            f"The image was marked “{summary.image.get_capture_kind_display()}”. The model learned "
            "from dermoscopic images; read its figure with doubt."
        )
    return cautions


def list_far(summary: CaseSummary) -> list[str]:
    """Each picture that is far from what the network learned from, where it doesn't speak for the case alone."""
    if len(summary.answers) == 1:
        return []
    return [
        f"Image {answer.image.position}: {REFERRALS[UNLIKE_TRAINING]} The model gives no figure for it."
        for answer in summary.answers
        if answer.is_far
    ]


def find_doubts(summary: CaseSummary) -> list[str]:
    """What was hinted at when an image came in, where the gates let it pass and the model judged it."""
    doubts = []
    for answer in summary.answers:
        is_judged = bool(answer.outcome) and not answer.is_refused and not answer.is_far
        if is_judged and answer.image.quality.get("verdict") == POOR:
            of = f"Image {answer.image.position}: " if len(summary.answers) > 1 else ""
            doubts.append(f"{of}This picture looked poor when it came in. Read its figure with doubt.")
    return doubts


def describe_progress(summary: CaseSummary, ahead: int | None) -> str:
    """Honest progress: the place in the queue, or how many of the images that the model judges are done."""
    total = len(summary.asked)
    if any(a.state == PredictionState.RUNNING for a in summary.asked):
        return f"In work: {summary.finished_count} of {count_images(total)} done."
    if ahead is None:
        return "In the queue."
    if ahead == 0:
        return "In the queue: yours is next."
    return f"In the queue: {count_images(ahead)} ahead of this one."
