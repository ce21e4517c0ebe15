"""The paper's figures redrawn from our runs: curves, confusion matrices, sample predictions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ml.datasets.records import LABELS
from ml.imaging.decoding import decode_image, to_array
from ml.research.reproduction.conclusions import PUBLISHED, percent
from ml.research.reproduction.groups import RunGroup, group_runs
from ml.research.reproduction.section import average_confusion, format_sample, pick_shown_runs
from ml.research.reproduction.tables import StoredResults, choose_samples

_LINES = {"train": ("#1f6feb", "-", "o"), "test": ("#b3421e", "--", "s")}
_SHEET = "samples.webp"
_PANEL = 3.4  # inches


def draw_figures(stored: StoredResults, folder: Path) -> list[Path]:
    """Draw accuracy, loss and confusion of `stored` as SVG into `folder`; returns the files.

    The same results give the same bytes. Without a finished run nothing is drawn. Raises OSError.
    """
    groups = group_runs(stored.runs)
    if not groups:
        return []
    with _plotting() as plt:
        return [
            _draw_curves(plt, groups, "accuracy", folder),
            _draw_curves(plt, groups, "loss", folder),
            _draw_confusion(plt, groups, folder),
        ]


def draw_samples(stored: StoredResults, root: Path, folder: Path) -> Path:
    """Draw the sample test images of the set in `root` with their predictions; returns the sheet.

    The images are CC BY-NC, so `folder` should not be one that is published. Raises OSError and
    `ml.imaging.errors.UndecodableImageError`.
    """
    rows = choose_samples(stored.predictions)
    runs = pick_shown_runs(group_runs(stored.runs))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _SHEET
    with _plotting() as plt:
        height = -(-len(rows) // 4)
        figure, axes = plt.subplots(height, 4, figsize=(10, 3 * height), squeeze=False, layout="constrained")
        for axis in axes.ravel():
            axis.set_axis_off()
        for axis, row in zip(axes.ravel(), rows, strict=False):
            axis.imshow(to_array(decode_image((root / row["path"]).read_bytes()), (224, 224)))
            said = [
                f"{PUBLISHED[run['architecture']].title} {format_sample(float(row[run['name']]), row['label'])}"
                for run in runs
            ]
            axis.set_title("\n".join([f"{row['label']}: {Path(row['path']).name}", *said]), fontsize=8)
        figure.suptitle("P(malignant) of sample test images. ISIC Archive, CC BY-NC: not to be published")
        figure.savefig(path, dpi=110)
        plt.close(figure)
    return path


@contextmanager
def _plotting() -> Iterator[Any]:
    """Give matplotlib's pyplot set up to draw without a screen, the same bytes every time."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "dermaport",
        "font.size": 9,
        "axes.grid": True,
    }
    style |= {"grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        yield plt


def _make_panels(
    plt: Any, groups: Sequence[RunGroup], *, share: bool
) -> tuple[Any, dict[tuple[str, int], Any]]:
    """Return a figure with a row a network and a column a number of iterations, and its axes."""
    names = sorted({group.architecture for group in groups})
    counts = sorted({group.iterations for group in groups})
    size = (_PANEL * len(counts) + 0.6, (_PANEL - 0.8) * len(names) + 0.6)
    figure, axes = plt.subplots(
        len(names), len(counts), figsize=size, squeeze=False, sharey=share, layout="constrained"
    )
    cells = {(n, c): axes[i, j] for i, n in enumerate(names) for j, c in enumerate(counts)}
    for (name, count), axis in cells.items():
        axis.set_title(f"{PUBLISHED[name].title}, {count} iterations")
        if not any((group.architecture, group.iterations) == (name, count) for group in groups):
            axis.set_axis_off()
    return figure, cells


def _draw_curves(plt: Any, groups: Sequence[RunGroup], what: str, folder: Path) -> Path:
    figure, cells = _make_panels(plt, groups, share=what == "accuracy")
    for group in groups:
        axis = cells[group.architecture, group.iterations]
        for part, (colour, style, marker) in _LINES.items():
            runs = np.array(group.list_epochs(f"{part}_{what}"))
            epochs = np.arange(1, runs.shape[1] + 1)
            for run in runs:
                axis.plot(epochs, run, style, color=colour, linewidth=0.7, alpha=0.45)
            label = f"{part}, mean of {len(runs)} {'seed' if len(runs) == 1 else 'seeds'}"
            axis.plot(
                epochs, runs.mean(axis=0), style, color=colour, marker=marker, markersize=3, label=label
            )
        if what == "accuracy":
            value = PUBLISHED[group.architecture].accuracy
            axis.axhline(value, color="#555555", linestyle=":", label=f"the paper: {percent(value, 0)}")
        axis.locator_params(axis="x", integer=True, nbins=6)
        axis.locator_params(axis="y", nbins=5)
        axis.set_xlabel("epoch")
        axis.set_ylabel("accuracy" if what == "accuracy" else "loss (cross-entropy)")
        axis.legend(fontsize=7, loc="lower right" if what == "accuracy" else "best")
    return _save(plt, figure, folder / f"{what}.svg")


def _draw_confusion(plt: Any, groups: Sequence[RunGroup], folder: Path) -> Path:
    figure, cells = _make_panels(plt, groups, share=False)
    for group in groups:
        axis = cells[group.architecture, group.iterations]
        counts = average_confusion(group)
        shares = counts / counts.sum(axis=1, keepdims=True)
        axis.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white")
        axis.grid(visible=False)
        axis.invert_yaxis()
        for row, column in np.ndindex(2, 2):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{counts[row, column]:.1f}\n{percent(shares[row, column])}"
            axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
        axis.set_xticks([0.5, 1.5], [f"called {label}" for label in LABELS])
        axis.set_yticks([0.5, 1.5], LABELS, rotation=90, va="center")
    return _save(plt, figure, folder / "confusion.svg")


def _save(plt: Any, figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return path
