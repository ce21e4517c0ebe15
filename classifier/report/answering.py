"""What the model says, in the order and in the words of the case's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.cases.duplicates import find_duplicates
from classifier.labels.answers import CANNOT_JUDGE, choose_words, find_cautions, find_doubts
from classifier.labels.diagnoses import list_shown
from classifier.labels.looks import look_of_case
from classifier.labels.probability import SCORE_IS_NO_SHARE, describe_worth, draw_scale
from classifier.report.content import ReportAnswer, Scale, format_date_time

if TYPE_CHECKING:
    from classifier.models import Prediction, Submission
    from classifier.standing.summary import CaseSummary, ImageAnswer

HASH_START = 12


def build_answer(submission: Submission, summary: CaseSummary, *, is_signed: bool) -> ReportAnswer:
    words, look = choose_words(summary), look_of_case(summary)
    figured = summary.prediction if summary.has_figure else None
    return ReportAnswer(
        title=f"What the model says{' (preliminary)' if summary.is_judged and not is_signed else ''}",
        icon=look.icon,
        word=look.word,
        sentence=words.sentence,
        scale=_build_scale(figured) if figured else None,
        frequency=_format_frequency(summary, figured) if figured else "",
        could_be=list_shown(figured),
        next_step="" if is_signed else words.next_step,
        notes=(*_list_notes(summary), *_list_duplicates(submission, summary)),
        limits=CANNOT_JUDGE if figured else (),
        making=_format_making(summary, summary.prediction) if summary.prediction else "",
    )


def _build_scale(prediction: Prediction) -> Scale:
    policy: dict[str, Any] = prediction.threshold_policy or {}
    drawn = draw_scale(
        prediction.score or 0.0,
        policy["threshold"],
        policy.get("refer_low"),
        policy.get("refer_high"),
        prediction.outcome,
    )
    places = {name: float(drawn[name].rstrip("%")) / 100 for name in ("marker", "threshold", "low", "high")}
    return Scale(
        figure=drawn["figure"],
        has_band=drawn["has_band"],
        key=_format_key(drawn["limits"], has_band=drawn["has_band"]),
        **places,
    )


def _format_key(limits: list[str], *, has_band: bool) -> str:
    """What the line and the hatching mean, where the band begins at the threshold in one sentence."""
    if not has_band:
        return f"Upright line: {limits[0]}"
    if len(limits) == 1:
        return f"Upright line and hatched: {limits[0]}"
    return f"Upright line: {limits[0]}; hatched: {limits[1]}"


def _format_frequency(summary: CaseSummary, prediction: Prediction) -> str:
    words = f"{SCORE_IS_NO_SHARE} {describe_worth(prediction)}".strip()
    if len(summary.answers) > 1 and summary.image:
        place, total = summary.image.position, len(summary.answers)
        words += f" The figure is image {place}'s, the most worrying of {total}."
    return words


def _list_notes(summary: CaseSummary) -> list[str]:
    """Refusals, cautions, doubts and failures."""
    refusals = [f"{_of(a, summary)}{sentence}" for a in summary.refused for sentence in a.refusals]
    failures = [f"{_of(a, summary)}{_format_failure(a)}" for a in summary.unjudged]
    return [*refusals, *find_cautions(summary), *find_doubts(summary), *failures]


def _of(answer: ImageAnswer, summary: CaseSummary) -> str:
    return f"Image {answer.image.position}: " if len(summary.answers) > 1 else ""


def _format_failure(answer: ImageAnswer) -> str:
    return (answer.prediction.error_message if answer.prediction else "") or "There is no result."


def _list_duplicates(submission: Submission, summary: CaseSummary) -> list[str]:
    """Another patient's pseudonym has no place on this patient's paper."""
    return [
        duplicate.words
        if duplicate.is_same_patient
        else f"Image {duplicate.position}: The same picture was submitted for another patient. "
        "Make sure whose it is; the portal names the other case."
        for duplicate in find_duplicates(submission, summary)
    ]


def _format_making(summary: CaseSummary, prediction: Prediction) -> str:
    version, policy = prediction.model_version, prediction.threshold_policy
    made = f"Model {version}, not asked, because the image was refused first"
    if policy:
        hashed = f"sha256 {version.sha256[:HASH_START]}…"
        made = f"Model {version} ({hashed}), threshold policy {policy['version']}, {prediction.device}"
    gates = f", gates {summary.image.gate_version}" if summary.image and summary.image.gate_version else ""
    at = f", {format_date_time(prediction.finished_at)}" if prediction.finished_at else ""
    return f"{made}{gates}{at}."
