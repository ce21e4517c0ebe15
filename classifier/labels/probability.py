"""Figures in words and on a scale: the model's score, and what it is worth in a clinic, as every door says them.

The score is the calibrated probability from 0 to 100: the limits of a policy lie on it. It is a share of lesions only
where as many are malignant as among the images of the training. What it is worth is the predictive value at the
prevalence of the clinic, stored with the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.labels.looks import OUTCOMES

if TYPE_CHECKING:
    from classifier.models import Prediction

HUNDRED = 100
SCORE_IS_NO_SHARE = (
    "The scale shows the model's score, on which its limits lie: not how many lesions are malignant."
)
NO_WORTH = (
    "How many lesions like this are malignant can't be said: the network does not tell how many were among the "
    "images on which its score was calibrated."
)
NO_RANGE = "How far this holds in a hospital that it never learned from is not known."
# Nearer to an end than this, the figure above the marker would stick out of the drawing.
EDGE = 0.06


def place_on_line(probability: float) -> str:
    """Position on the line as an SVG percentage, kept within it."""
    return f"{min(max(float(probability), 0.0), 1.0) * 100:.1f}%"


def format_limits(
    threshold: float, refer_low: float | None, refer_high: float | None, *, unit: str = ""
) -> list[str]:
    """The threshold and the band in words, each number once: a band often begins at the threshold."""

    def format_value(value: float) -> str:
        return f"{bounded_hundredths(value)}{unit}"

    at = format_value(threshold)
    if refer_low is None or refer_high is None or refer_high <= refer_low:
        return [f"threshold {at}"]
    low, high = format_value(refer_low), format_value(refer_high)
    if at == low:
        return [f"refers from {low}, the threshold, to {high}"]
    if at == high:
        return [f"refers from {low} to {high}, the threshold"]
    return [f"threshold {at}", f"refers from {low} to {high}"]


def policy_limits(policy: dict[str, Any]) -> str:
    """The limits of a threshold policy: "refers from 18 %, the threshold, to 51 %"."""
    said = format_limits(policy["threshold"], policy.get("refer_low"), policy.get("refer_high"), unit=" %")
    return "; ".join(said).removeprefix("threshold ")


def describe_scale(
    probability: float, threshold: float, refer_low: float | None, refer_high: float | None
) -> str:
    """What the drawing shows, in words, for those who don't see it."""
    limits = "; ".join(format_limits(threshold, refer_low, refer_high))
    return f"The model's score: {format_score(probability)}. Of 100: {limits}."


def choose_anchor(probability: float) -> str:
    """Which side of the marker its figure hangs on (SVG's text-anchor)."""
    if probability < EDGE:
        return "start"
    return "end" if probability > 1 - EDGE else "middle"


def draw_scale(
    probability: float,
    threshold: float,
    refer_low: float | None = None,
    refer_high: float | None = None,
    outcome: str = "",
) -> dict[str, Any]:
    """The geometry of a line from 0 to 100 with threshold, refer band and marker; numbers from 0 to 1."""
    has_band = refer_low is not None and refer_high is not None and refer_high > refer_low
    low = float(refer_low) if has_band and refer_low is not None else float(threshold)
    high = float(refer_high) if has_band and refer_high is not None else float(threshold)
    return {
        "note": SCORE_IS_NO_SHARE,
        "alternative": describe_scale(probability, threshold, refer_low, refer_high),
        "marker": place_on_line(probability),
        "anchor": choose_anchor(probability),
        "figure": bounded_hundredths(probability),
        "threshold": place_on_line(threshold),
        "limits": format_limits(threshold, refer_low, refer_high),
        "low": place_on_line(low),
        "high": place_on_line(high),
        "benign_width": place_on_line(low),
        "band_width": place_on_line(high - low),
        "malignant_width": place_on_line(1 - high),
        "has_band": has_band,
        "tone": OUTCOMES.get(outcome, OUTCOMES["waiting"]).tone,
    }


def percent(probability: float | None) -> str:
    """A probability as a figure: 0.423 → "42 %"; the ends never claim certainty."""
    return "unknown" if probability is None else f"{bounded_hundredths(probability)} %"


def format_score(probability: float | None) -> str:
    """A calibrated probability as the score from 0 to 100 on which the limits lie: 0.423 → "42"."""
    return "none" if probability is None else bounded_hundredths(probability)


def describe_worth(prediction: Prediction) -> str:
    """What the figure is worth in the clinic, in two sentences of frequencies, which people read more truly.

    "Of 100 lesions like this in a clinic where 3 in 100 are malignant, about 7 are malignant. In hospitals that it
    never learned from, it was 4 to 21." Empty where there is no figure: of a picture that is refused or far.
    """
    if prediction.score is None or prediction.prevalence is None:
        return ""
    if prediction.predictive_value is None:
        return NO_WORTH
    common = f"{round(prediction.prevalence * HUNDRED, 1):g} in 100"
    words = (
        f"Of 100 lesions like this in a clinic where {common} are malignant, {_count(prediction)} malignant."
    )
    return f"{words} {_describe_range(prediction)}"


WORTH_COLUMNS = ("predictive_value", "predictive_low", "predictive_high", "prevalence")


def list_worth(prediction: Prediction | None) -> list[float | None]:
    """The same as numbers from 0 to 1, in the order of WORTH_COLUMNS; none of a picture without a figure."""
    if prediction is None or prediction.score is None:
        return [None] * len(WORTH_COLUMNS)
    return [getattr(prediction, name) for name in WORTH_COLUMNS]


def _count(prediction: Prediction) -> str:
    """Such as "about 7 are", "about 1 is", "fewer than 1 is"."""
    figure = bounded_hundredths(prediction.predictive_value or 0.0)
    if figure.startswith("<"):
        return "fewer than 1 is"
    verb = "is" if figure == "1" else "are"
    return f"more than 99 {verb}" if figure.startswith(">") else f"about {figure} {verb}"


def _describe_range(prediction: Prediction) -> str:
    if prediction.predictive_low is None or prediction.predictive_high is None:
        return NO_RANGE
    ends = [bounded_hundredths(end) for end in (prediction.predictive_low, prediction.predictive_high)]
    said = [end.replace("<", "fewer than ").replace(">", "more than ") for end in ends]
    return f"In hospitals that it never learned from, it was {' to '.join(dict.fromkeys(said))}."


def bounded_hundredths(probability: float) -> str:
    """Whole hundredths, with "<1" and ">99" where rounding would say never or always."""
    hundredths = round(float(probability) * 100)
    if hundredths <= 0:
        return "<1"
    return ">99" if hundredths >= HUNDRED else str(hundredths)
