"""Missed targets explained, as far as the stored figures can tell."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ml.datasets.records import PAPER_SET
from ml.evaluation.metrics import measure_auc
from ml.imaging.views import average_views
from ml.research.report.clinic import measure_consistency
from ml.research.report.sets import TEST, read_seen
from ml.research.report.stored import Network, ReportPart, Results
from ml.research.report.text import format_share
from ml.serving.specification import OUT_OF_FOLD

_FEW = 2
_KNOWN, _FOREIGN = "ham10000-subset", "isic2017-segmentation"


def explain_shortfalls(results: Results, network: Network, missed: Mapping[str, float]) -> str:
    """Return a list of what the figures say about the targets `missed`, words to limits; empty for nothing."""
    lines = []
    for words, limit in missed.items():
        if words.startswith("Accuracy on the 660"):
            lines.append(_explain_order(network, limit))
        if words.startswith("AUC on the 660"):
            lines += [_compare_held_out(results, network, limit), _average_recipes(results)]
        if "ISIC 2017" in words:
            lines.append(_explain_transfer(network, limit))
        if "worst variant" in words:
            lines.append(_explain_steadiness(results, network))
    return "\n".join(f"- {line}" for line in lines if line)


def find_best_cut(part: ReportPart) -> tuple[float, float]:
    """Return the accuracy and the cut of P that would have been best on these very images."""
    cuts = np.unique(part.p)
    right = [float(np.mean((part.p >= cut) == part.y)) for cut in cuts]
    best = int(np.argmax(right))
    return right[best], float(cuts[best])


def _explain_order(network: Network, limit: float) -> str:
    part = network.read_part(TEST)
    if part is None or not part.p.size:
        return ""
    accuracy, cut = find_best_cut(part)
    if accuracy >= limit:
        return (
            f"A cut of {cut:.2f} would reach the accuracy: {format_share(accuracy)} on the 660 themselves, known "
            "only to who has seen the labels. What falls short is the place of the cut."
        )
    return (
        f"No cut mends the accuracy: the best one on the 660 themselves ({cut:.2f}, known only to who has seen "
        f"the labels) gives {format_share(accuracy)}. What falls short is the order of the images, so the AUC."
    )


def _compare_held_out(results: Results, network: Network, limit: float) -> str:
    training = network.specification.training if network.specification else {}
    name = str(training.get("calibrated_on", "")).removeprefix(OUT_OF_FOLD)
    path = results.folder / "cross-validation" / name
    if not path.is_file():
        return ""
    scores = _read_held_out(path)
    p, y = np.array([p for p, _ in scores.values()]), np.array([y for _, y in scores.values()])
    auc = measure_auc(p, y)
    verdict = "It is not" if auc < limit else "It may be"
    return (
        f"{verdict} the draw of the test: held out inside train, the same recipe has an AUC of {auc:.3f} over "
        f"{p.size:,} of the paper's images, learning from two thirds of them."
    )


def _average_recipes(results: Results) -> str:
    """Say what the average of every recipe's held-out figures reaches, on the images all of them judged."""
    files = sorted((results.folder / "cross-validation").glob("*.csv"))
    each = [scores for path in files if (scores := _read_held_out(path))]
    most = max((len(scores) for scores in each), default=0)
    whole = [scores for scores in each if len(scores) == most]
    if len(whole) < _FEW:
        return ""
    paths = sorted(whole[0])
    p = average_views(np.array([[scores[path][0] for path in paths] for scores in whole]))
    y = np.array([whole[0][path][1] for path in paths])
    return (
        f"Averaged over {len(whole)} recipes, so {len(whole)} networks for each image, "
        f"the held-out AUC is {measure_auc(p, y):.3f} and the accuracy {format_share(float(np.mean((p >= 0.5) == y)))} "
        f"on the same {p.size:,} images."
    )


def _read_held_out(path: Path) -> dict[str, tuple[float, bool]]:
    """Return raw P(malignant) and label of the paper's images in a cross-validation's file, by path."""
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            row["path"]: (float(row["probability"]), row["label"] == "1")
            for row in csv.DictReader(stream)
            if row["data_set"] == PAPER_SET
        }


def _explain_transfer(network: Network, limit: float) -> str:
    parts = [read_seen(network, name) for name in (_KNOWN, _FOREIGN)]
    aucs = [measure_auc(part.p, part.y) for part in parts if part and part.y.any() and not part.y.all()]
    if len(aucs) < len(parts) or aucs[0] < limit:
        # Where it fails on both, the archive explains nothing.
        return ""
    return (
        f"What does not carry over to ISIC 2017 is the archive: the same diagnoses are told apart at an AUC of "
        f"{aucs[0]:.3f} on HAM10000, whose pictures are part of train, and at {aucs[1]:.3f} there. Other cameras, "
        "other hospitals and another choice of cases are not in the paper's images."
    )


def _explain_steadiness(results: Results, network: Network) -> str:
    shares = measure_consistency(network, results.rounds)
    names = [name for name in shares if name != "all"]
    if not names:
        return ""
    worst = min(names, key=lambda name: shares[name][0].value)
    share, change = shares[worst]
    return (
        f"Under {worst.replace('_', ' ')} {format_share(1 - share.value)} of the images change sides of the "
        f"threshold; P moves by {change:.3f} on average over all of them."
    )
