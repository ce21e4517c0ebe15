"""Figures of outlines: overlap with the expert's mask, and how far a measure moves without any change.

Overlap: Jaccard index and Dice coefficient of each image, outlined by a network that never saw its lesion, with
95 % intervals by drawing lesions anew. Repeatability: repeated shots of one lesion, Bland and Altman 1999,
"Measuring agreement in method comparison studies", section 2.
"""

import csv
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.datasets.image_sets import find_set
from ml.datasets.outlines import OUTLINE_SET, OutlinedImage, read_mask
from ml.datasets.records import find_data_root
from ml.evaluation.metrics import bootstrap_lesions
from ml.imaging.decoding import decode_image
from ml.outlines.measures import Measures, measure_outline
from ml.outlines.outliner import NoLesionError, Outliner
from ml.outlines.shape import Mask, fill_holes, find_region, fit_grid, label_regions

REPEATED_SET: Final = "isic-archive-dermoscopic"
# Jaccard indices of the ISIC 2017 challenge's test set: Codella et al. 2018 (winner), and later work.
PUBLISHED: Final = (0.76, 0.80)
# Below this the ISIC 2018 challenge counted an outline as failed (Codella et al. 2019).
FAILED: Final = 0.65
COLUMNS: Final = (
    "image_id",
    "label",
    "lesion",
    "fold",
    "jaccard",
    "dice",
    "area",
    "expert_area",
    "diameter",
    "expert_diameter",
)
# Sizes are compared by their ratio, the others by their difference.
RATIOS: Final = ("area", "diameter")
DIFFERENCES: Final = ("asymmetry", "irregularity", "colours")


@dataclass(frozen=True, slots=True)
class Overlap:
    """How one network's outline of one held-out image meets the expert's.

    `jaccard` and `dice` in [0, 1]; areas as shares of the picture and diameters of its longer side, 0 where nothing
    was outlined.
    """

    image_id: str
    label: int
    lesion: str
    fold: int
    jaccard: float
    dice: float
    area: float
    expert_area: float
    diameter: float
    expert_diameter: float


def measure_jaccard(found: Mask, truth: Mask) -> float:
    """Return the intersection over the union of two masks, 1 where both are empty (Jaccard 1901)."""
    union = int((found | truth).sum())
    return float((found & truth).sum() / union) if union else 1.0


def measure_dice(found: Mask, truth: Mask) -> float:
    """Return twice the intersection over the sum of two masks, 1 where both are empty (Dice 1945)."""
    total = int(found.sum() + truth.sum())
    return float(2 * (found & truth).sum() / total) if total else 1.0


def score_image(
    image: OutlinedImage, fold: int, probabilities: NDArray[np.float32], root: Path | None = None
) -> Overlap:
    """Score P(lesion) of one held-out image, (h, w), as the portal would draw it, at the expert's resolution."""
    truth = read_mask((root or find_data_root("")) / OUTLINE_SET, image)
    size = (truth.shape[1], truth.shape[0])
    grid = fit_grid(size)
    region = find_region(probabilities, grid)
    found = np.asarray(Image.fromarray(region).resize(size, Image.Resampling.NEAREST))
    area, diameter = _measure_size(region)
    drawn = np.asarray(Image.fromarray(truth).resize(grid, Image.Resampling.NEAREST))
    expert_area, expert_diameter = _measure_size(_keep_largest(drawn))
    return Overlap(
        image.image_id,
        image.label,
        image.lesion,
        fold,
        round(measure_jaccard(found, truth), 4),
        round(measure_dice(found, truth), 4),
        area,
        expert_area,
        diameter,
        expert_diameter,
    )


def _keep_largest(mask: Mask) -> Mask:
    labels = label_regions(mask)
    return fill_holes(labels == 1 + int(np.bincount(labels.ravel())[1:].argmax()))


def _measure_size(mask: Mask) -> tuple[float, float]:
    if not mask.any():
        return 0.0, 0.0
    _, measures = measure_outline(mask, np.zeros((*mask.shape, 3), dtype=np.uint8))
    return measures.area, measures.diameter


def write_overlaps(path: Path, rows: Iterable[Overlap]) -> None:
    """Write one line an image, by its id; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in sorted(rows, key=lambda row: row.image_id):
            writer.writerow([getattr(row, name) for name in COLUMNS])


def read_overlaps(path: Path) -> list[Overlap]:
    """Return what `write_overlaps` wrote; raises OSError, and ValueError for another table."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or set(rows[0]) != set(COLUMNS):
        raise ValueError(f"{path.name}: expected the columns {', '.join(COLUMNS)}, received others.")
    return [
        Overlap(
            row["image_id"],
            int(row["label"]),
            row["lesion"],
            int(row["fold"]),
            *(float(row[name]) for name in COLUMNS[4:]),
        )
        for row in rows
    ]


def summarise_overlaps(rows: Sequence[Overlap], *, rounds: int = 2000) -> dict[str, Any]:
    """Return the figures of one architecture: {value, low, high} of the means, 95 % intervals by lesion.

    `area_error` and `diameter_error`: the median of the relative difference from the expert's.
    """
    labels = [row.label for row in rows]
    lesions = [row.lesion for row in rows]
    figures: dict[str, Any] = {"images": len(rows), "lesions": len(set(lesions))}
    parts = {"all": (0, 1), "benign": (0,), "malignant": (1,)}
    for name, kept in parts.items():
        chosen = [place for place, label in enumerate(labels) if label in kept]
        for key in ("jaccard", "dice"):
            values = np.array([getattr(rows[place], key) for place in chosen])
            interval = bootstrap_lesions(
                {key: lambda value, _: float(value.mean())},
                values,
                [labels[place] for place in chosen],
                [lesions[place] for place in chosen],
                rounds=rounds,
            )[key]
            box = {"value": values.mean(), "low": interval[0], "high": interval[1]}
            figures[key if name == "all" else f"{key}_{name}"] = {
                k: round(float(v), 4) for k, v in box.items()
            }
    figures["median_jaccard"] = round(float(np.median([row.jaccard for row in rows])), 4)
    figures["failed"] = round(float(np.mean([row.jaccard < FAILED for row in rows])), 4)
    for key in RATIOS:
        errors = [abs(getattr(row, key) / getattr(row, f"expert_{key}") - 1) for row in rows]
        figures[f"{key}_error"] = round(float(np.median(errors)), 4)
    return figures


# --- Repeatability


@dataclass(frozen=True, slots=True)
class Shot:
    """One of several shots of a lesion and its measures, None where nothing was outlined."""

    image: str
    lesion: str
    measures: Measures | None


def measure_shots(outliner: Outliner, *, most: int | None = None) -> list[Shot]:
    """Outline every shot of REPEATED_SET whose lesion was taken at least twice, at most `most`; raises DataError."""
    found = find_set(REPEATED_SET)
    images = [image for image in found.read_images() if image.label == "benign" and image.lesion]
    counts = Counter(image.lesion for image in images)
    shots = []
    for image in [image for image in images if counts[image.lesion] > 1][:most]:
        picture = decode_image((found.find_root() / image.path).read_bytes())
        try:
            measures: Measures | None = outliner.outline(picture).measures
        except NoLesionError:
            measures = None
        shots.append(Shot(Path(image.path).stem, image.lesion, measures))
    return shots


def summarise_shots(shots: Sequence[Shot]) -> dict[str, Any]:
    """Return how far each measure moves between shots of one lesion.

    Lesions that reach the edge of a picture are left out, as they are of comparisons. `within_sd`: the standard
    deviation within lesions, of the logarithm for sizes (RATIOS). `typical` and `moves`: what half and 95 in 100 of
    the differences between two shots stay under, every lesion counting by its shots less one: a share for sizes, the
    measure's own units for the others. Counted, not 2.77 times the standard deviation, because a hair across a lesion
    makes few differences large: they are not normal. Raises ValueError when no lesion has two shots.
    """
    groups: dict[str, list[Measures]] = defaultdict(list)
    for shot in shots:
        if shot.measures is not None and not shot.measures.is_cut:
            groups[shot.lesion].append(shot.measures)
    kept = [group for group in groups.values() if len(group) > 1]
    if not kept:
        raise ValueError(f"Expected lesions with two shots or more, received {len(shots)} shots.")
    figures: dict[str, Any] = {
        "shots": len(shots),
        "outlined": sum(shot.measures is not None for shot in shots),
        "cut": sum(shot.measures is not None and shot.measures.is_cut for shot in shots),
        "lesions": len(kept),
        "used": sum(len(group) for group in kept),
        "pairs": sum(math.comb(len(group), 2) for group in kept),
    }
    for name in (*RATIOS, *DIFFERENCES):
        values = [[_read(measures, name) for measures in group] for group in kept]
        squares = sum(float(np.var(group) * len(group)) for group in values)
        within = math.sqrt(squares / sum(len(group) - 1 for group in values))
        typical, limit = find_quantiles(values, (0.5, 0.95))
        if name in RATIOS:
            typical, limit = math.expm1(typical), math.expm1(limit)
        figures[name] = {
            "within_sd": round(within, 4),
            "typical": round(typical, 4),
            "moves": round(limit, 4),
        }
    return figures


def find_quantiles(groups: Sequence[Sequence[float]], shares: Sequence[float]) -> list[float]:
    """Return the quantiles at `shares` of the differences of two values of one group, whatever their sign.

    The pairs of a group of n weigh n - 1 together.
    """
    differences, weights = [], []
    for group in groups:
        pairs = [abs(first - second) for first, second in itertools.combinations(group, 2)]
        differences += pairs
        weights += [(len(group) - 1) / len(pairs)] * len(pairs)
    order = np.argsort(differences)
    reached = np.cumsum(np.array(weights)[order]) / sum(weights)
    return [float(np.array(differences)[order][np.searchsorted(reached, share - 1e-12)]) for share in shares]


def _read(measures: Measures, name: str) -> float:
    if name == "colours":
        return float(len(measures.colours))
    value = float(getattr(measures, name))
    return math.log(value) if name in RATIOS else value


def write_shots(path: Path, shots: Iterable[Shot]) -> None:
    """Write one line a shot; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("area", "diameter", "asymmetry", "irregularity")
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image_id", "lesion", *names, "colours", "is_cut"])
        for shot in shots:
            found = shot.measures
            values = (
                [""] * 6
                if found is None
                else [*(getattr(found, name) for name in names), len(found.colours), int(found.is_cut)]
            )
            writer.writerow([shot.image, shot.lesion, *values])


def format_table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table of `summarise_overlaps` results, one line an architecture, beside what is published."""
    lines = [
        "| network | images | Jaccard (95 %) | Dice (95 %) | median Jaccard | below 0.65 | area off by | diameter off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in figures.items():
        cells = [
            f"{one[key]['value']:.3f} ({one[key]['low']:.3f} to {one[key]['high']:.3f})"
            for key in ("jaccard", "dice")
        ]
        shares = [f"{one[key]:.0%}".replace("%", " %") for key in ("failed", "area_error", "diameter_error")]
        lines.append(
            f"| {name} | {one['images']} | {cells[0]} | {cells[1]} | {one['median_jaccard']:.3f} | {' | '.join(shares)} |"
        )
    low, high = PUBLISHED
    lines.append(f"| published, ISIC 2017 test | 600 | {low:.2f} to {high:.2f} | | | | | |")
    return "\n".join(lines)
