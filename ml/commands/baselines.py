"""`python -m ml baselines`: the earlier systems of the paper's literature, and image improvement, measured here."""

import argparse
from pathlib import Path

from ml.evaluation.stored_predictions import RESULTS
from ml.research.baselines.alexnet import AlexNetPlan
from ml.research.baselines.material import PAPER, read_material
from ml.research.baselines.runs import plan_baseline, run_baseline
from ml.research.baselines.systems import SYSTEMS
from ml.research.baselines.trial import EACH, NAME, list_trial_images, run_trial
from ml.training.backbones import BACKBONES, find_weights

KINDS = (PAPER, "sources", "lesions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*SYSTEMS, NAME),
        metavar="NAME",
        help=f"of {', '.join((*SYSTEMS, NAME))}",
    )
    parser.add_argument(
        "--fits",
        nargs="+",
        choices=KINDS,
        default=KINDS,
        help="the paper's own split, sources left out in turn, five folds of lesions (default all)",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=(),
        metavar="NETWORK=FILE",
        help="ImageNet weights without the head, such as vgg-16=vgg16_notop.h5",
    )
    parser.add_argument("--folder", type=Path, default=Path("var/training/baselines"), help="finished fits")
    parser.add_argument("--cache", type=Path, default=Path("var/training/activations"))
    parser.add_argument("--results", type=Path, default=RESULTS / "baselines")
    parser.add_argument(
        "--networks", type=Path, default=RESULTS.parent / "weights", help="the shipped networks"
    )
    parser.add_argument("--bootstrap", type=int, default=2000, help="rounds (default 2000)")
    group = parser.add_argument_group("AlexNet, trained from scratch in every fit")
    default = AlexNetPlan()
    group.add_argument("--alexnet-size", type=int, default=default.input_size, help="pixels (default 64)")
    group.add_argument("--alexnet-epochs", type=int, default=default.epochs, help="default 8")
    group.add_argument(
        "--trial-images", type=int, default=EACH, help="of each source and class (default 100)"
    )


def run(options: argparse.Namespace) -> int:
    """Run what is not done yet, writing results after each step; returns the exit status."""
    files = _read_files(options.weights)
    alexnet = AlexNetPlan(input_size=options.alexnet_size, epochs=options.alexnet_epochs)
    material = read_material()
    for name in options.only or (*SYSTEMS, NAME):
        if name == NAME:
            images = list_trial_images(material, each=options.trial_images)
            run_trial(
                images,
                options.networks,
                folder=options.folder,
                results=options.results,
                rounds=options.bootstrap,
                tell=_tell,
            )
            continue
        system = SYSTEMS[name]
        known = system.network in BACKBONES
        weights = files.get(system.network) or (find_weights(system.network) if known else None)
        plan = plan_baseline(system, material, weights, alexnet)
        if plan is None:
            words = f"{name}: expected ImageNet weights by --weights {system.network}=FILE, received none."
            if options.only:
                raise ValueError(words)
            _tell(f"{words} Left out: frozen random numbers would say nothing of it.")
            continue
        run_baseline(
            plan,
            material,
            options.fits,
            folder=options.folder,
            cache=options.cache,
            results=options.results,
            weights=weights,
            rounds=options.bootstrap,
            tell=_tell,
        )
    return 0


def _read_files(pairs: list[str]) -> dict[str, Path]:
    files = {}
    for pair in pairs:
        name, _, path = pair.partition("=")
        if name not in BACKBONES or not path:
            raise ValueError(f"Expected NETWORK=FILE with one of {', '.join(BACKBONES)}, received {pair!r}.")
        files[name] = Path(path)
    return files


def _tell(words: str) -> None:
    print(words, flush=True)
