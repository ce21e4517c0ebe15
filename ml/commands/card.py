"""`python -m ml card`: the model card of each network, from its specification and stored results."""

import argparse
import sys
from pathlib import Path

from ml.commands.report import list_stale, write_files
from ml.evaluation.stored_predictions import RESULTS
from ml.research.report.card import write_card
from ml.research.report.stored import Results
from ml.serving.specification import ModelSpecification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of stored results")
    parser.add_argument(
        "--weights", type=Path, default=RESULTS.parent / "weights", help="folder of the networks"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a card would change")
    parser.add_argument("--bootstrap", type=int, default=2000, help="rounds (default 2000)")


def run(options: argparse.Namespace) -> int:
    """Write or check the card of every specification; returns the exit status."""
    results = Results(options.results, options.weights, options.bootstrap)
    cards = {
        path.with_suffix(".md"): write_card(results, ModelSpecification.load(path)).encode()
        for path in sorted(options.weights.glob("*.json"))
    }
    if options.check:
        stale = list_stale(cards)
        for path in stale:
            print(f"{path} is not what the stored results give: run python -m ml card.", file=sys.stderr)
        return 1 if stale else 0
    write_files(cards)
    print(f"{len(cards)} cards written: {', '.join(path.name for path in cards)}")
    return 0
