"""Gate labels: each measure of the gates, its value, and the limit it had to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.models import SubmissionImage

LABELS = {
    "short_side": "Short side",
    "sharpness": "Sharpness",
    "soft_sharpness": "Sharpness, smoothed",
    "brightness": "Brightness",
    "contrast": "Contrast",
    "dark_share": "Black part",
    "bright_share": "Overexposed part",
    "domain_distance": "Distance from dermoscopic images",
}
SHARES = frozenset({"dark_share", "bright_share"})
WHOLE = frozenset({"short_side", "brightness"})
CODE_WORDS = {
    "too_small": "Too small",
    "black_frame": "Black frame",
    "too_dark": "Too dark",
    "too_bright": "Overexposed",
    "blurred": "Blurred",
    "low_contrast": "Too little contrast",
    "not_dermoscopic": "Not a dermoscopic image",
}


@dataclass(frozen=True)
class GateFigure:
    """One measure of an image: "Sharpness", "3.10", "at least 8.00", and whether it kept that."""

    label: str
    value: str
    limit: str
    is_kept: bool


def list_figures(image: SubmissionImage) -> list[GateFigure]:
    """What the gates measured of `image`, the known measures first; empty when they never did."""
    return describe_figures(image.gate_figures)


def describe_figures(figures: dict[str, float]) -> list[GateFigure]:
    """The same of the figures of a verdict that no image holds."""
    names = [name for name in figures if not name.endswith(("_least", "_most"))]
    order = {name: place for place, name in enumerate(LABELS)}
    names.sort(key=lambda name: (order.get(name, len(order)), name))
    return [_describe(name, figures) for name in names]


def _describe(name: str, figures: dict[str, float]) -> GateFigure:
    least, most = figures.get(f"{name}_least"), figures.get(f"{name}_most")
    value = figures[name]
    limits = [
        *([f"at least {_format_value(name, least)}"] if least is not None else []),
        *([f"at most {_format_value(name, most)}"] if most is not None else []),
    ]
    return GateFigure(
        label=LABELS.get(name, name.replace("_", " ").capitalize()),
        value=_format_value(name, value),
        limit=", ".join(limits),
        is_kept=(least is None or value >= least) and (most is None or value <= most),
    )


def _format_value(name: str, value: float) -> str:
    if name in SHARES:
        return f"{value:.0%}"
    return f"{value:.0f}" if name in WHOLE else f"{value:.2f}"


def name_refusal(code: str) -> str:
    """A code of the gates in two or three words."""
    return CODE_WORDS.get(code, code.replace("_", " ").capitalize())
