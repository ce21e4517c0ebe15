"""Probabilities in words and on a scale: calibrated figures of malignancy, as pages and paper show them."""

from __future__ import annotations

from typing import Any

from classifier.labels.looks import OUTCOMES

HUNDRED = 100
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
    return f"Calibrated probability of malignancy {in_hundred(probability)}. Of 100: {limits}."


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


def in_hundred(probability: float | None) -> str:
    """A probability as lesions of a hundred: 0.07 → "about 7 in 100"."""
    if probability is None:
        return "unknown"
    figure = bounded_hundredths(probability)
    if figure.startswith("<"):
        return "fewer than 1 in 100"
    return "more than 99 in 100" if figure.startswith(">") else f"about {figure} in 100"


def bounded_hundredths(probability: float) -> str:
    """Whole hundredths, with "<1" and ">99" where rounding would say never or always."""
    hundredths = round(float(probability) * 100)
    if hundredths <= 0:
        return "<1"
    return ">99" if hundredths >= HUNDRED else str(hundredths)


def plain_sentence(probability: float | None) -> str:
    """The calibrated figure as a sentence of frequencies, which people read more truly."""
    if probability is None:
        return "The model has no figure for this image."
    words = in_hundred(probability)
    return f"{words[0].upper()}{words[1:]} lesions that look like this to the model were malignant."
