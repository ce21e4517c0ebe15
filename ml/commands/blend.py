"""`python -m ml blend`: a backbone's start between its ImageNet weights and those of a trained network."""

import argparse
from pathlib import Path

from ml.network_files.loading import load_network
from ml.serving.device import configure_devices
from ml.serving.specification import ModelSpecification
from ml.training.backbones import BACKBONES, describe_weights, find_weights
from ml.training.transfer import blend_backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", type=Path, required=True, help="the trained .h5 file; its .json beside it")
    parser.add_argument(
        "--share", type=float, default=0.5, help="of the trained weights, 0 to 1 (default 0.5)"
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write, NAME.weights.h5")


def run(options: argparse.Namespace) -> int:
    """Write the averaged backbone, without a head; returns the exit status."""
    specification = ModelSpecification.load(options.model.with_suffix(".json"))
    weights = find_weights(specification.architecture) if specification.architecture in BACKBONES else None
    if weights is None:
        raise ValueError(f"Expected ImageNet weights of {specification.architecture}, received none.")
    if not 0 <= options.share <= 1 or not options.output.name.endswith(".weights.h5"):
        raise ValueError(
            f"Expected a share in [0, 1] and a file NAME.weights.h5, received {options.output.name}."
        )
    configure_devices()
    network = load_network(options.model, sha256=specification.sha256, input_size=specification.input_size)
    blend_backbone(specification.architecture, weights, network, options.share, options.output)
    print(f"{options.output} written: {describe_weights(options.output)}")
    return 0
