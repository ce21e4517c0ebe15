"""Quality and domain gate: may this picture be judged at all, asked before any network runs.

Also what the gates say to a person: what is wrong and what to do; the numbers stand in the figures.
Nothing here loads Keras or TensorFlow: the worker and the form's check in the web process run the
same code on the same files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.gates.domain import DomainGate
from ml.gates.quality import measure_quality, shrink
from ml.gates.specification import GateSpecification, find_gates_folder, find_refusals

__all__ = [
    "CODES",
    "SENTENCES",
    "GateCheck",
    "GateLook",
    "GateVerdict",
    "Gates",
    "describe_doubt",
    "describe_refusal",
    "look_at",
    "propose_kind",
]

# Filled from a verdict's figures. Only the size is told in numbers: a person can check those.
SENTENCES: Final[dict[str, str]] = {
    "too_small": (
        "This picture is {short_side:.0f} pixels on its short side; the model needs at least "
        "{short_side_least:.0f}. Send the original file, or take it again from closer."
    ),
    "black_frame": (
        "Most of this picture is black. Put the dermatoscope flat on the skin, fill the frame with the "
        "lesion and take it again."
    ),
    "too_dark": (
        "This picture is too dark for the model. Switch the dermatoscope's light on and take it again."
    ),
    "too_bright": (
        "This picture is too bright for the model: parts of the skin are plain white. Turn the light "
        "down, avoid glare and take it again."
    ),
    "blurred": (
        "This picture isn't sharp enough for the model. Hold the dermatoscope still on the skin and take "
        "it again."
    ),
    "low_contrast": (
        "Hardly anything stands out in this picture. Check that the lesion is in view, clean the lens and "
        "take it again."
    ),
    "not_dermoscopic": (
        "This doesn't look like a picture of a skin lesion through a dermatoscope. Put the dermatoscope on "
        "the lesion and take it again."
    ),
}
# What the check of a reduced copy says where the picture itself may pass or not.
DOUBTS: Final[dict[str, str]] = {
    "too_small": SENTENCES["too_small"],
    "black_frame": "Much of this picture is black, and the model may not take it.",
    "too_dark": "This picture may be too dark for the model.",
    "too_bright": "This picture may be too bright for the model.",
    "blurred": "This picture may not be sharp enough for the model.",
    "low_contrast": "Little stands out in this picture, and the model may not take it.",
    "not_dermoscopic": (
        "This may not be a picture of a skin lesion through a dermatoscope, and the model may not take it."
    ),
}
_ADVICE: Final = " You can send it; better take it again."
CODES: Final = tuple(SENTENCES)


def describe_refusal(code: str, figures: Mapping[str, float]) -> str:
    """Return the sentence of the refusal `code` for a verdict's `figures`.

    Raises ValueError when the code is unknown or a figure that the sentence names is missing.
    """
    return _fill(SENTENCES, code, figures)


def describe_doubt(code: str, figures: Mapping[str, float]) -> str:
    """Return what is said while nobody knows yet whether `code` will be refused; raises as above."""
    return _fill(DOUBTS, code, figures) + _ADVICE


def _fill(sentences: Mapping[str, str], code: str, figures: Mapping[str, float]) -> str:
    if code not in sentences:
        raise ValueError(f"Expected a code among {', '.join(CODES)}, received {code!r}.")
    try:
        return sentences[code].format_map(figures)
    except KeyError as error:
        raise ValueError(f"Expected the figure {error} for {code!r}, received none.") from error


# --- The verdict

# Between the two nothing is proposed: see the table of kinds in the report.
_DERMOSCOPIC_BELOW: Final = 0.1
_CLOSE_UP_ABOVE: Final = 0.7


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gates measured of one image and why they refuse it, as it is stored with the image.

    `version`: of the gates' specification, such as "gates-2.0.0". `figures`: JSON numbers by name,
    each measure with its limit beside it: `sharpness` and `sharpness_least`, `dark_share` and
    `dark_share_most`. `refusals`: each as {code, message}, in the order of `CODES`; empty when the image
    may be judged. `kind`: what `propose_kind` says.
    """

    version: str
    figures: dict[str, float]
    refusals: list[dict[str, str]]
    kind: str = ""

    @classmethod
    def of(cls, version: str, figures: dict[str, float], kind: str = "") -> Self:
        """The verdict that `figures`, which hold measures and limits, lead to."""
        codes = find_refusals(figures)
        refusals = [{"code": code, "message": describe_refusal(code, figures)} for code in codes]
        return cls(version, figures, refusals, kind)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(refusal["code"] for refusal in self.refusals)


@dataclass(frozen=True, slots=True)
class GateCheck:
    """What a copy of an image tells of the verdict that the image itself will get.

    `refused`: codes that the image will certainly get. `doubted`: codes that it may get, since the
    copy's measure is as near to the limit as copies differ. Both empty: it will pass.
    """

    verdict: GateVerdict
    refused: tuple[str, ...]
    doubted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateLook:
    """All that the gates keep of one image: `pixels`, uint8 RGB shrunk, and its quality `figures`."""

    pixels: NDArray[np.uint8]
    figures: dict[str, float]


def look_at(image: NDArray[np.uint8] | Image.Image, size: tuple[int, int] | None = None) -> GateLook:
    """Measure one RGB image, of Pillow or uint8 (height, width, 3), so that its pixels can be let go.

    `size`: (width, height) of the image that this is a reduced copy of. Needs no gates and touches
    nothing shared: threads that decode may call it. Raises ValueError for another shape or type.
    """
    pixels = shrink(image)
    whole = image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0])
    return GateLook(pixels, measure_quality(pixels, size or whole))


class Gates:
    """Both gates, ready in one process; the same for every network, whichever is active."""

    def __init__(self, specification: GateSpecification, domain: DomainGate) -> None:
        self.specification = specification
        self._domain = domain

    @classmethod
    def load(cls, folder: Path | None = None) -> "Gates":
        """Load the gates' files from `folder` (default: the shipped weights), each by its SHA-256.

        Call it after the fork, as for any network. Raises `ml.gates.specification.GateError` when a
        file is missing, malformed or not the one specified.
        """
        place = find_gates_folder(folder)
        specification = GateSpecification.load(place / "gates.json")
        return cls(specification, DomainGate.load(specification.domain, place))

    def assess(self, images: Sequence[NDArray[np.uint8]]) -> list[GateVerdict]:
        """Return one verdict an image, in order; any number of images, also 0.

        `images`: uint8 RGB of shape (height, width, 3), upright, of any sizes. A verdict does not
        depend on the other images. Raises ValueError for another shape or type.
        """
        return self.decide([look_at(image) for image in images])

    def decide(self, looks: Sequence[GateLook]) -> list[GateVerdict]:
        """Return one verdict a look, in order, as `assess` does for the images themselves."""
        limits = self.specification.limits
        verdicts = []
        for look, found in zip(looks, self._domain.find([look.pixels for look in looks]), strict=True):
            figures = {**look.figures, "domain_distance": round(found.distance, 4), **limits}
            kind = propose_kind(found.distance, found.close_up, limits["domain_distance_most"])
            verdicts.append(GateVerdict.of(self.specification.version, figures, kind))
        return verdicts

    def check(self, look: GateLook) -> GateCheck:
        """Say of the look at a reduced copy what the worker will say of the image itself.

        Its limits are tightened and loosened by `margins` of the specification, measured on copies.
        """
        (verdict,) = self.decide([look])
        margins = self.specification.margins
        refused = find_refusals(verdict.figures, margins)
        near = find_refusals(verdict.figures, {name: -margin for name, margin in margins.items()})
        return GateCheck(verdict, refused, tuple(code for code in near if code not in refused))


def propose_kind(distance: float, close_up: float, distance_most: float) -> str:
    """Return what a picture looks like: `dermoscopic`, `clinical` (a close-up) or empty.

    `distance`, `close_up`: of a `ml.gates.domain.DomainFinding`. Empty also for whatever is no picture of
    a lesion. Never `overview`: no set of overviews is at hand to tell them from close-ups by.
    """
    if distance > distance_most:
        return ""
    if close_up < _DERMOSCOPIC_BELOW:
        return "dermoscopic"
    return "clinical" if close_up > _CLOSE_UP_ABOVE else ""
