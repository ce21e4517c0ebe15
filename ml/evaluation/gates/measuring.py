"""Gate performance on real images: refusals with Wilson, AUROC with bootstrap intervals."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.evaluation.gates.pictures import (
    ACCEPTED_SETS,
    DEGRADATIONS,
    FOREIGN_SETS,
    MIXED_SETS,
    TRAINING_SETS,
    blur_by_share,
    list_images,
    read_original_sizes,
    read_pictures,
)
from ml.evaluation.metrics import bootstrap, measure_auc, measure_wilson
from ml.gates.quality import shrink
from ml.gates.specification import find_broken_limits
from ml.gates.verdict import GateLook, Gates, GateVerdict, look_at

_BATCH = 32
DEGRADED_IMAGES = 300
# Of the sets that the gates were fitted on, evenly spaced: their held-out row counts all of them.
_FITTED_IMAGES = 600
# Of each set at most so many are blurred at their own size, evenly spaced.
_BLURRED_IMAGES = 200
_BLURS = (2.0, 3.0)


def assess_pictures(gates: Gates, pictures: Iterable[NDArray[np.uint8]]) -> Iterator[GateVerdict]:
    """Yield the verdicts of `pictures`, a batch at a time."""
    return assess_looks(gates, (look_at(picture) for picture in pictures))


def assess_looks(gates: Gates, looks: Iterable[GateLook]) -> Iterator[GateVerdict]:
    """Yield the verdicts of `looks`, a batch at a time."""
    waiting = iter(looks)
    while batch := list(islice(waiting, _BATCH)):
        yield from gates.decide(batch)


def look_at_files(paths: Iterable[Path], sizes: Mapping[Path, tuple[int, int]]) -> Iterator[GateLook]:
    """Yield the look at each file that decodes, by the size of its original where `sizes` tells it."""
    for path in paths:
        for picture in read_pictures([path]):
            yield look_at(picture, sizes.get(path))


def count_refusals(name: str, kind: str, verdicts: Sequence[GateVerdict], *, files: int) -> dict[str, Any]:
    """Return the row of one set: how many were refused, by code and by limit, with the Wilson interval.

    `kind`: dermoscopy, mixed or foreign; `files` counts those that could not be decoded too.
    """
    refused = sum(bool(verdict.refusals) for verdict in verdicts)
    codes = Counter(code for verdict in verdicts for code in verdict.codes)
    limits = Counter(limit for verdict in verdicts for limit in find_broken_limits(verdict.figures))
    low, high = measure_wilson(refused, len(verdicts))
    return {
        "name": name,
        "kind": kind,
        "images": len(verdicts),
        "undecodable": files - len(verdicts),
        "refused": refused,
        "refused_but_for_size": sum(verdict.codes not in ((), ("too_small",)) for verdict in verdicts),
        "by_code": dict(sorted(codes.items())),
        "by_limit": dict(sorted(limits.items())),
        "kinds": dict(Counter(getattr(verdict, "kind", "") for verdict in verdicts)),
        "rate": _box(refused / len(verdicts), low, high),
    }


def measure_sets(gates: Gates, root: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of `sets` and of the domain gate's `auroc`, of the image sets below `root`.

    The sets of training images are among them: their rows say what a fit says of itself. AUROC is of
    the distance, each foreign or clinical set against the 660 test images.
    """
    rows, found = [], {}
    training = tuple((f"{folder} (fitted on)", folder) for folder in TRAINING_SETS)
    groups = (
        ("dermoscopy", (*ACCEPTED_SETS, *training)),
        ("mixed", MIXED_SETS),
        ("foreign", FOREIGN_SETS),
    )
    for kind, sets in groups:
        for name, folder in sets:
            paths = list_images(root / folder)
            if folder in TRAINING_SETS:
                paths = [paths[place] for place in spread(len(paths), _FITTED_IMAGES)]
            looks = look_at_files(
                tqdm(paths, desc=name, unit="image", leave=False), read_original_sizes(root / folder)
            )
            verdicts = list(assess_looks(gates, looks))
            if verdicts:
                rows.append(count_refusals(name, kind, verdicts, files=len(paths)))
                found[name] = [verdict.figures["domain_distance"] for verdict in verdicts]
    known = found[ACCEPTED_SETS[0][0]]
    foreign = {name: found[name] for name, _ in FOREIGN_SETS if name in found}
    against = {name: found[name] for name, _ in (*MIXED_SETS, *ACCEPTED_SETS[1:]) if name in found}
    everything = {
        **foreign,
        "all out-of-distribution": list(chain.from_iterable(foreign.values())),
        **against,
    }
    return rows, [measure_auroc("domain", name, known, values) for name, values in everything.items()]


def measure_blurred(gates: Gates, root: Path) -> list[dict[str, Any]]:
    """Return the rows of dermoscopic pictures blurred at their own size and saved as JPEG 75.

    By a Gaussian of 2 and 3 pixels of the working size, on sets that no limit was fitted on. A
    picture that is refused for something else as well counts once.
    """
    rows = []
    for name, folder in ACCEPTED_SETS:
        paths = list_images(root / folder)
        chosen = [paths[place] for place in spread(len(paths), _BLURRED_IMAGES)]
        sizes = read_original_sizes(root / folder)
        for radius in _BLURS:
            looks = [
                look_at(blur_by_share(picture, radius), sizes.get(path))
                for path in tqdm(chosen, desc=f"{name}, blurred", unit="image", leave=False)
                for picture in read_pictures([path])
            ]
            if looks:
                title = f"{name}, blurred by {radius:g} of 224, JPEG 75"
                verdicts = list(assess_looks(gates, looks))
                rows.append(count_refusals(title, "degraded", verdicts, files=len(chosen)))
    return rows


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` places of `count`, evenly spaced."""
    return np.linspace(0, count - 1, min(count, most)).astype(int).tolist() if count else []


def measure_degraded(
    gates: Gates, pixels: NDArray[np.uint8]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of `sets` and of the quality gate's `auroc`, of spoilt training images.

    `pixels`: uint8 (n, 224, 224, 3); 300 of them, evenly spaced, are spoilt at each strength.
    """
    chosen = pixels[spread(len(pixels), DEGRADED_IMAGES)]
    clean = [look_at(image).figures for image in chosen]
    rows, areas = [], []
    for kind, change, strengths, measure, less in DEGRADATIONS:
        for strength in tqdm(strengths, desc=kind, unit="strength", leave=False):
            name = f"{kind} {strength:g}"
            verdicts = list(assess_pictures(gates, (change(image, strength) for image in chosen)))
            rows.append(count_refusals(name, "degraded", verdicts, files=len(verdicts)))
            sign = -1 if less else 1
            good = [sign * row[measure] for row in clean]
            bad = [sign * verdict.figures[measure] for verdict in verdicts]
            areas.append(measure_auroc("quality", name, good, bad))
    return rows, areas


def measure_auroc(gate: str, against: str, good: Sequence[float], bad: Sequence[float]) -> dict[str, Any]:
    """Return how well a measure that grows with what is wrong parts `bad` from `good`."""
    scores = np.array([*good, *bad])
    labels = np.array([0] * len(good) + [1] * len(bad))
    low, high = bootstrap(measure_auc, scores, labels, rounds=500)
    value = measure_auc(scores, labels)
    return {"gate": gate, "against": against, "images": len(bad), **_box(value, low, high)}


def read_working(paths: Sequence[Path]) -> NDArray[np.uint8]:
    """Decode `paths` to the working size, uint8 (n, 224, 224, 3)."""
    progress = tqdm(paths, desc="Decoding", unit="image", leave=False)
    return np.array([shrink(picture) for picture in read_pictures(progress)])


def _box(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
