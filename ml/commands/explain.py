"""`python -m ml explain`: where in a picture a network's figure came from, and what that is worth."""

import argparse
from pathlib import Path

import numpy as np

from ml.explanation.faithfulness import Deletion, check_deletion, correlate_maps, find_marked
from ml.explanation.heatmap import blend_heatmap, draw_heatmap
from ml.explanation.hirescam import METHOD, EvidenceMap
from ml.imaging.decoding import decode_image, to_array
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification

LIMIT = "The map shows where in the picture the network's figure came from, not why, and not where the disease is."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("image", type=Path, help="a photograph of one lesion")
    parser.add_argument("--model", type=Path, required=True, help="the .h5 file; its .json beside it")
    parser.add_argument(
        "--output", type=Path, required=True, help="write the picture with its map to this PNG"
    )
    parser.add_argument(
        "--redrawn", type=int, default=3, help="networks with weights drawn anew to compare with (default 3)"
    )


def run(options: argparse.Namespace) -> int:
    """Explain one picture, write the PNG and print the figures; returns the exit status."""
    specification = ModelSpecification.load(options.model.with_suffix(".json"))
    predictor = Predictor(specification, options.model)
    picture = decode_image(options.image.read_bytes())
    pixels = to_array(picture, specification.input_size)
    explanation = predictor.explain(pixels)
    deletion = check_deletion(predictor.predict, pixels, explanation)
    print(f"{specification.name} {specification.version} on {predictor.device}")
    print(describe_map(explanation))
    share = float(find_marked(explanation, specification.input_size).mean())
    print(describe_deletion(deletion, share))
    if options.redrawn > 0:
        others = [predictor.explain_redrawn(pixels, seed=seed) for seed in range(options.redrawn)]
        print(describe_control([correlate_maps(explanation, other) for other in others]))
    print(LIMIT)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    blend_heatmap(picture, draw_heatmap(explanation, picture.size)).save(options.output, "PNG")
    print(f"Written to {options.output}")
    return 0


def describe_map(explanation: EvidenceMap) -> str:
    """Return one line on the map itself: its layer, its cells and the sum of its evidence."""
    rows, columns = explanation.cells.shape
    return (
        f"{METHOD} of {explanation.layer}, {rows}×{columns} places: logit {explanation.logit:+.2f}, "
        f"of which the places add up to {float(explanation.cells.sum()):+.2f}"
    )


def describe_deletion(deletion: Deletion, share: float) -> str:
    """Return one line on what hiding the marked part does, `share` of the picture in [0, 1]."""
    verdict = "passed" if deletion.is_passed else "FAILED: do not rely on this map"
    return (
        f"P(malignant) {deletion.whole:.3f}; with the marked {share:.0%} of the picture hidden "
        f"{deletion.without_marked:.3f}, with as much hidden elsewhere {deletion.without_others:.3f} ({verdict})"
    )


def describe_control(correlations: list[float]) -> str:
    """Return one line on how much the maps of networks with redrawn weights agree with this one."""
    values = ", ".join(f"{value:+.2f}" for value in correlations)
    return f"Rank correlation with maps of redrawn weights: {np.mean(correlations):+.2f} ({values})"
