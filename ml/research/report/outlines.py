"""Card of a network that outlines: what it is, how good it was on lesions it never saw, how far its measures move."""

from typing import Any, Final

from ml.evaluation.outlines import DIFFERENCES, RATIOS, format_table
from ml.outlines.specification import OutlineSpecification

BEGIN: Final = "<!-- outlines:begin -->"
END: Final = "<!-- outlines:end -->"
_NAMES = {
    "area": "area",
    "diameter": "largest diameter",
    "asymmetry": "asymmetry",
    "irregularity": "border irregularity",
    "colours": "number of colours",
}


def write_card(specification: OutlineSpecification) -> str:
    """Return the card as Markdown, every figure from the specification."""
    metrics = specification.metrics
    parts = [
        f"# {specification.name} {specification.version}",
        "Written by `python -m ml outline ship` from the trained network and stored results.",
        (
            "Outlines the lesion in one dermoscopic picture. It learned from masks alone, not from diagnoses, and gives "
            "no verdict: nothing of it enters the portal's answer."
        ),
        "## Model",
        (
            "|  |  |\n| --- | --- |\n"
            f"| File | `{specification.file}` |\n"
            f"| SHA-256 | `{specification.sha256}` |\n"
            f"| Architecture | {specification.architecture} on MobileNetV2 0.35, {specification.parameters:,} parameters |\n"
            f"| Input | RGB, {specification.input_width}×{specification.input_height}, scaling `{specification.scaling}` |\n"
            "| Output | P(lesion) of each pixel; the largest region of at least 0.5, holes filled |\n"
            f"| Time | {metrics['milliseconds']} ms a picture, network alone, one picture at a time |\n"
            f"| Licence | {specification.licence} |"
        ),
        "## On lesions it never saw",
        (
            "Five folds of lesions of the 200 images of ISIC 2017 at hand; the shipped network learned from all of them. "
            "Masks as the portal draws them, against the expert's; intervals by drawing lesions anew. Nothing was chosen "
            "on held-out images. The published figures are of the challenge's own test images, which are not at hand."
        ),
        format_table({specification.architecture: metrics["cross_validation"]}),
        "## How far its measures move without any change",
        _describe_repeatability(metrics["repeatability"]),
        "## Not for",
        "Anything but dermoscopic pictures of one lesion; deciding anything alone; surgical margins.",
    ]
    return "\n\n".join(parts) + "\n"


def replace_figures(text: str, figures: dict[str, Any], repeated: dict[str, Any]) -> str:
    """Return a document with the tables between its marks BEGIN and END written anew; raises ValueError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"Expected {BEGIN} and {END} in the document, received none.")
    parts = [
        "On lesions never seen (five folds of lesions, every image outlined once, masks as the portal draws them):",
        format_table(figures),
        (
            "These 200 are of the challenge's training images, all of its oldest archive, with large lesions; its 600 test "
            "images are not at hand. So the two rows above stand beside the published ones and not above them."
        ),
        "How far a measure moves without any change, by the shipped network:",
        _describe_repeatability(repeated),
    ]
    return "\n\n".join([before + BEGIN, *parts, END + after])


def _describe_repeatability(figures: dict[str, Any]) -> str:
    lines = [
        (
            f"{figures['pairs']} pairs of shots of {figures['lesions']} unchanged lesions of the ISIC Archive (Basel), "
            f"{figures['used']} of {figures['shots']} shots: those outlined and not cut by the picture's edge. 95 in 100 "
            "differences between two shots of a lesion are smaller than what the portal says it moves by itself."
        ),
        "",
        "| measure | SD within a lesion | half of the differences are under | 95 in 100 are under |",
        "|---|---|---|---|",
    ]
    for name in RATIOS:
        one = figures[name]
        lines.append(
            f"| {_NAMES[name]} | {one['within_sd']:.3f} (logarithm) | {one['typical'] * 100:.0f} % | {one['moves'] * 100:.0f} % |"
        )
    for name in DIFFERENCES:
        one = figures[name]
        lines.append(
            f"| {_NAMES[name]} | {one['within_sd']:.3f} | {one['typical']:.2f} | {one['moves']:.2f} |"
        )
    return "\n".join(lines)
