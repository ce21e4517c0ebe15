"""The reproduction as a section of the report, in Markdown, built from the stored results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.datasets.records import LABELS
from ml.research.reproduction.conclusions import (
    PUBLISHED,
    describe_comparison,
    describe_constant,
    describe_published,
    describe_sampling,
    format_share,
    percent,
)
from ml.research.reproduction.groups import RunGroup, SeedEstimate, group_runs
from ml.research.reproduction.tables import StoredResults, choose_samples, read_tables

PICTURES = {
    "accuracy.svg": "Accuracy on train and test after each epoch, by network and iterations, every seed "
    "as a thin line (the paper's Figures 10, 11, 13 and 14)",
    "loss.svg": "Loss on train and test after each epoch, by network and iterations, every seed as a "
    "thin line (the paper's Figures 10, 11, 13 and 14)",
    "confusion.svg": "Confusion matrices on the test images, mean over seeds",
}


def describe_reproduction(folder: Path, links: str = "results/reproduction") -> str:
    """Return the section for the results in `folder`, as `ml.research.reproduction.tables` stores them.

    Every number and every conclusion is computed from what is stored; the plots that lie in
    `folder` are shown, addressed by `links`, the folder as seen from the report's own.
    A part of the runs, or none, gives a section that says so. Raises OSError.
    """
    stored = read_tables(folder)
    heading = "## The paper, reproduced"
    if not stored.runs:
        return f"{heading}\n\nNo run is finished yet: `python -m ml reproduce` trains them.\n"
    groups = group_runs(stored.runs)
    parts = [
        heading,
        _describe_method(stored),
        *_describe_unfinished(stored),
        _tabulate(_list_outcomes(groups)),
        describe_sampling(groups),
        *describe_constant(groups),
        "### What the paper's figures resemble",
        *describe_published(groups),
        "### Does accuracy follow the number of parameters?",
        *describe_comparison(groups),
        "### Epoch by epoch",
        *_show(folder, links, ("accuracy.svg", "loss.svg")),
        _tabulate(_list_epochs(groups)),
        _describe_first_epoch(groups),
        "### Confusion on the test images",
        *_show(folder, links, ("confusion.svg",)),
        _tabulate(_list_confusion(groups)),
        "### Sample predictions",
        _describe_samples(stored),
        _tabulate(_list_samples(stored, groups)),
    ]
    return "\n\n".join(parts) + "\n"


def _describe_method(stored: StoredResults) -> str:
    run, data = stored.runs[0], stored.data
    size = run["input_size"]
    return (
        f"Both networks were trained from random weights on all {data['train_images']:,} train images of "
        f"{data['name']} and judged on its {data['test_images']:,} test images: {size}×{size} RGB, Adam at "
        f"{run['learning_rate']:g}, batches of {run['batch_size']}, {run['epochs']} epochs, the iterations "
        f"taken as steps an epoch, accuracy at 0.5. The test images choose nothing: the last epoch counts. "
        f"The clean figures leave out the {_count_leaks(stored)} test images of a lesion that is in train too. "
        f"Made by `python -m ml reproduce`."
    )


def _count_leaks(stored: StoredResults) -> int:
    return sum(row["clean"] != "1" for row in stored.predictions)


def _describe_unfinished(stored: StoredResults) -> list[str]:
    if not stored.unfinished:
        return []
    total = len(stored.runs) + len(stored.unfinished)
    names = ", ".join(f"`{name}`" for name in stored.unfinished)
    return [f"**Unfinished: {len(stored.unfinished)} of {total} runs are still to do** ({names})."]


def _list_outcomes(groups: Sequence[RunGroup]) -> list[list[str]]:
    clean = groups[0].runs[0]["final"]["clean_images"]
    header = ["Network", "Parameters", "Iterations", "Seeds", "Accuracy in the paper", "Accuracy on train"]
    header += ["Accuracy on test", "AUC on test", f"Accuracy on {clean} clean", f"AUC on {clean} clean"]
    rows = [header]
    for group in groups:
        published = PUBLISHED[group.architecture]
        rows.append(
            [
                published.title,
                f"{group.runs[0]['parameters']:,}",
                str(group.iterations),
                ", ".join(map(str, group.seeds)),
                percent(published.accuracy, 0),
                format_share(group.estimate("train_accuracy")),
                format_share(group.estimate("test_accuracy")),
                _format_auc(group.estimate("test_auc")),
                format_share(group.estimate("clean_accuracy")),
                _format_auc(group.estimate("clean_auc")),
            ]
        )
    return rows


def _format_auc(estimate: SeedEstimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.3f} (one seed)"
    return f"{estimate.mean:.3f} ({max(0.0, estimate.low):.3f} to {min(1.0, estimate.high):.3f})"


def _list_epochs(groups: Sequence[RunGroup]) -> list[list[str]]:
    rows = [["Epoch", *(f"{_name(group)}: train / test" for group in groups)]]
    means = [
        [np.mean(group.list_epochs(figure), axis=0) for figure in ("train_accuracy", "test_accuracy")]
        for group in groups
    ]
    for epoch in range(max(len(train) for train, _ in means)):
        cells = [
            f"{100 * train[epoch]:.1f} / {100 * test[epoch]:.1f}" if epoch < len(train) else ""
            for train, test in means
        ]
        rows.append([str(epoch + 1), *cells])
    return rows


def _describe_first_epoch(groups: Sequence[RunGroup]) -> str:
    words = []
    for group in groups:
        train, test = (
            float(np.mean([run[0] for run in group.list_epochs(figure)]))
            for figure in ("train_accuracy", "test_accuracy")
        )
        words.append(
            f"{PUBLISHED[group.architecture].title} at {group.iterations} {percent(train)} on train and {percent(test)} on test"
        )
    return (
        f"The table gives percentages, means over seeds. Were the iterations meant as steps in all, the "
        f"first epoch would be the whole training: {'; '.join(words)}."
    )


def _list_confusion(groups: Sequence[RunGroup]) -> list[list[str]]:
    header = ["Network", *(f"{label}, called {said}" for label in LABELS for said in LABELS)]
    return [[cell.capitalize() for cell in header]] + [
        [_name(group), *(f"{count:.1f}" for count in average_confusion(group).ravel())] for group in groups
    ]


def average_confusion(group: RunGroup) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean counts over seeds, float64 (2, 2): rows by label, columns by what was said."""
    counts = [
        [[run["final"]["confusion"][label][said] for said in LABELS] for label in LABELS]
        for run in group.runs
    ]
    return np.asarray(np.mean(counts, axis=0), dtype=np.float64)


def pick_shown_runs(groups: Sequence[RunGroup]) -> list[dict[str, Any]]:
    """Return the run of each network that the samples show: most iterations, then the lowest seed that learnt.

    Where none learnt anything, the lowest seed.
    """
    shown = {
        group.architecture: (group.leave_out_constant().runs or group.runs)[0]
        for group in sorted(groups, key=lambda group: group.iterations)
    }
    return [shown[name] for name in sorted(shown)]


def _describe_samples(stored: StoredResults) -> str:
    count = len(choose_samples(stored.predictions))
    return (
        f"{count} test images, the first of each class by SHA-256 of the file, so chosen without looking at "
        f"any prediction, with P(malignant) of one run a network: of those with most iterations that learnt "
        f"something, the lowest seed. The images themselves are CC BY-NC: "
        f"`python -m ml reproduce` draws them on a sheet outside the repository."
    )


def _list_samples(stored: StoredResults, groups: Sequence[RunGroup]) -> list[list[str]]:
    runs = pick_shown_runs(groups)
    titles = [f"{PUBLISHED[r['architecture']].title}, {r['iterations']}, seed {r['seed']}" for r in runs]
    rows = [["Image", "Label", *titles]]
    for row in choose_samples(stored.predictions):
        cells = [format_sample(float(row[run["name"]]), row["label"]) for run in runs]
        rows.append([row["path"], row["label"], *cells])
    return rows


def format_sample(probability: float, label: str) -> str:
    """Return P(malignant) with a word where it is on the wrong side of 0.5."""
    wrong = LABELS[int(probability > 0.5)] != label
    return f"{probability:.3f}{' (wrong)' if wrong else ''}"


def _name(group: RunGroup) -> str:
    return f"{PUBLISHED[group.architecture].title}, {group.iterations}"


def _show(folder: Path, links: str, names: Sequence[str]) -> list[str]:
    return [f"![{PICTURES[name]}]({links}/{name})" for name in names if (folder / name).exists()]


def _tabulate(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)
