"""What a refusal of the gates says to a person: the number, the limit and what to do."""

from collections.abc import Mapping
from typing import Final

# Filled from a verdict's figures, which hold each limit beside the measure it was compared with.
SENTENCES: Final[dict[str, str]] = {
    "too_small": (
        "The image is {short_side:.0f} pixels on its short side; at least {short_side_least:.0f} are "
        "needed. Send the original file, or take the picture again from closer."
    ),
    "black_frame": (
        "{dark_share:.0%} of the image is black; at most {dark_share_most:.0%} may be. Put the "
        "dermatoscope flat on the skin, fill the frame with the lesion and take the picture again."
    ),
    "too_dark": (
        "The image is too dark: brightness {brightness:.0f} of 255, at least {brightness_least:.0f} is "
        "needed. Switch the dermatoscope's light on and take the picture again."
    ),
    "too_bright": (
        "The image is overexposed: brightness {brightness:.0f} of 255 (at most {brightness_most:.0f}), "
        "{bright_share:.0%} of it without detail (at most {bright_share_most:.0%}). Turn the light down, "
        "avoid glare and take the picture again."
    ),
    "blurred": (
        "The image is blurred: sharpness {sharpness:.2f} ({soft_sharpness:.2f} smoothed), at least "
        "{sharpness_least:.2f} ({soft_sharpness_least:.2f}) is needed. Hold still, refocus and take the "
        "picture again."
    ),
    "low_contrast": (
        "The image shows almost no contrast: {contrast:.1f}, at least {contrast_least:.1f} is needed. "
        "Check that the lesion is in view, clean the lens and take the picture again."
    ),
    "not_dermoscopic": (
        "This does not look like a dermoscopic image of a skin lesion: its distance from the images the "
        "model knows is {domain_distance:.2f}, at most {domain_distance_most:.2f} is accepted. Use a "
        "dermatoscope, centre the lesion and take the picture again."
    ),
}
CODES: Final = tuple(SENTENCES)


def describe_refusal(code: str, figures: Mapping[str, float]) -> str:
    """Return the sentence of the refusal `code` for a verdict's `figures`.

    Raises ValueError when the code is unknown or a figure that the sentence names is missing.
    """
    if code not in SENTENCES:
        raise ValueError(f"Expected a code among {', '.join(CODES)}, received {code!r}.")
    try:
        return SENTENCES[code].format_map(figures)
    except KeyError as error:
        raise ValueError(f"Expected the figure {error} for {code!r}, received none.") from error
