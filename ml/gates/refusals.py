"""What the gates say to a person: what is wrong and what to do. The numbers stand in the figures."""

from collections.abc import Mapping
from typing import Final

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
