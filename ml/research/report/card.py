"""Model cards (Mitchell et al. 2019, "Model cards for model reporting"), from what is stored."""

from typing import Any

from ml.datasets.image_sets import find_seen_diagnoses, list_training_sets
from ml.research.report.clinic import measure_consistency
from ml.research.report.measures import TITLES, measure_part
from ml.research.report.sets import COMMAND, TEST, read_clean, read_seen, read_unseen, read_within_source
from ml.research.report.stored import Network, Results
from ml.research.report.text import format_table, join_parts, name_missing
from ml.serving.diagnoses import DiagnosisCalibration, DiagnosisPolicy
from ml.serving.specification import FIRST_VERSION, OUT_OF_FOLD, ModelSpecification
from ml.training.backbones import BACKBONES
from ml.training.data import TRAINING_SETS
from ml.training.plans import default_plan

_QUOTED = ("auc", "accuracy_half", "sensitivity", "specificity", "specificity_95", "missed", "ece")
_DATA = {
    "fanconi-isic": "*Skin Cancer: Malignant vs. Benign* (C. Fanconi; ISIC Archive), train split: 2,637 images",
    "ham10000-extra-train": "further HAM10000 images (Tschandl 2018), no melanoma, no lesion of another set",
}


def write_card(results: Results, specification: ModelSpecification) -> str:
    """Return the model card of one network as Markdown.

    Raises OSError when its file is missing and `ml.evaluation.stored_predictions.ResultsError`.
    """
    network = next((each for each in results.networks if each.name == specification.name), None)
    return (
        join_parts(
            f"# {specification.name} {specification.version}",
            "Written by `python -m ml card` from the specification and stored results; the whole is in "
            "[the report](../REPORT.md).",
            _write_model(results, specification),
            _write_use(),
            _write_data(specification),
            _write_figures(results, network),
            _write_limits(),
            _write_training(specification),
        )
        + "\n"
    )


def _write_model(results: Results, specification: ModelSpecification) -> str:
    size = (results.weights / specification.file).stat().st_size
    policy = specification.policy
    band = f"refer from {policy['refer_low']:.3f} to {policy['refer_high']:.3f}"
    rows = [
        ["File", f"`{specification.file}`, {size / 1e6:.1f} MB"],
        ["SHA-256", f"`{specification.sha256}`"],
        ["Architecture", f"{specification.architecture}, {specification.parameters:,} parameters"],
        [
            "Input",
            f"RGB, {specification.input_height}×{specification.input_width}, scaling `{specification.scaling}`",
        ],
        ["Views", ", ".join(specification.views)],
        ["Output", "P(malignant), then calibrated (" + specification.calibration["method"] + ")"],
        ["Threshold policy", f"{policy['version']}: cut at {policy['threshold']:.3f}; {band}"],
        ["Licence", specification.licence],
    ]
    if specification.names_diagnoses:
        rows.insert(6, ["Diagnoses", _describe_diagnoses(specification)])
    return join_parts("## Model", format_table(["", ""], rows))


def _describe_diagnoses(specification: ModelSpecification) -> str:
    temperatures = DiagnosisCalibration.from_dict(specification.diagnosis_calibration)
    policy = DiagnosisPolicy.from_dict(specification.diagnosis_policy)
    malignant = ", ".join(specification.malignant_classes)
    return (
        f"{', '.join(specification.classes)}, of which malignant {malignant}; temperatures within the groups "
        f"{temperatures.malignant_temperature:.3f} and {temperatures.benign_temperature:.3f}; one stands out from "
        f"{policy.top_least:.2f}"
    )


def _write_use() -> str:
    return join_parts(
        "## Intended use",
        "A second look at one dermoscopic image of one skin lesion, for a clinician who examines the patient, in "
        "research and teaching. It answers benign, malignant or refer; each answer is preliminary until a "
        "dermatologist signs it.",
        "## Not for",
        "Deciding alone; patients judging themselves; smartphone or overview photographs; nails, mucosa, wounds; "
        "children; commercial use; any use as a medical device.",
    )


def _write_data(specification: ModelSpecification) -> str:
    names = list_training_sets(specification.training)
    lines = "\n".join(f"- {_DATA.get(name, name)}" for name in names) or "- not told"
    if left_out := specification.training.get("left_out"):
        lines += f"; without its {' and '.join(left_out)}"
    seen = ", ".join(sorted(find_seen_diagnoses(names))) or "not told"
    return join_parts(
        "## Data",
        lines,
        f"Diagnoses known to be among them: {seen}. HAM10000 and much of the ISIC Archive are CC BY-NC 4.0, so "
        "these weights are for non-commercial use, with attribution. Archive and class go together in this data: "
        "identified benign images are HAM10000's, many malignant ones come from elsewhere.",
    )


def _write_figures(results: Results, network: Network | None) -> str:
    if network is None:
        return join_parts("## Figures", name_missing("the figures", COMMAND))
    parts = {
        "530 unseen": read_unseen(network),
        "602 clean": read_clean(network),
        "within one source": read_within_source(network),
        "all 660": network.read_part(TEST),
        "HAM10000, diagnoses seen": read_seen(network, "ham10000-subset"),
        "ISIC 2017, diagnoses seen": read_seen(network, "isic2017-segmentation"),
    }
    rows = []
    for name, part in parts.items():
        if part and part.y.any() and not part.y.all():
            figures = measure_part(part, network.policy, rounds=results.rounds)
            rows.append([name, part.count(), *(figures[key] for key in _QUOTED)])
    steady = measure_consistency(network, results.rounds).get("all")
    words = (
        f"Repeat consistency under re-encoding, shifts, flips and rotations: {steady[0]}." if steady else ""
    )
    return join_parts(
        "## Figures",
        "With 95 % intervals; subgroups, predictive values and plots are in [the report](../REPORT.md).",
        format_table(["", "Images", *(TITLES[key] for key in _QUOTED)], rows),
        words,
    )


def _write_limits() -> str:
    return join_parts(
        "## Limits",
        "- Measured on archive images, 45 of 100 malignant; among patients malignant lesions are far rarer, and a "
        "positive answer is then more often wrong.\n"
        "- Few images of brown and dark skin: those groups are *not assessed*.\n"
        "- Diagnoses it was not trained on (see Data) may get any answer, and a sure one.\n"
        "- An image altered on purpose can change the answer.",
        "## Ethical notes",
        "A missed melanoma harms more than a benign lesion cut out, so the threshold puts sensitivity first; the "
        "price is more benign lesions called malignant or referred. A figure on a screen can anchor a reader: a "
        "clinic can hide it until the dermatologist has looked. Unequal data can treat people unequally; do not "
        "read the overall figures as if they held for every skin tone.",
    )


def _write_training(specification: ModelSpecification) -> str:
    training = specification.training
    rows = [
        [key.replace("_", " "), training[key]]
        for key in (
            "split",
            "training_images",
            "validation_images",
            "calibrated_on",
            "seed",
            "epochs",
            "device",
        )
        if key in training
    ]
    versions = ", ".join(f"{name} {number}" for name, number in training.get("versions", {}).items())
    told = _name_training(specification)
    return join_parts(
        "## How to retrain",
        f"`{told}`, then `{COMMAND}`, `python -m ml report` and `python -m ml card`. The specification beside the "
        "file holds the whole plan and its history.",
        format_table(["", ""], [*rows, ["versions", versions or None]]),
    )


def _name_training(specification: ModelSpecification) -> str:
    """Return the command that trains this network again; its options are in the specification."""
    training = specification.training
    words = ["python -m ml train", f"--architecture {specification.architecture}"]
    data = training.get("data")
    if isinstance(data, list) and data != list(TRAINING_SETS[:1]):
        words.append(f"--data-sets {' '.join(data)}")
    if training.get("left_out"):
        words.append(f"--leave-out {' '.join(training['left_out'])}")
    if len(specification.views) > 1:
        words.append(f"--views {len(specification.views)}")
    if specification.version != FIRST_VERSION:
        words.append(f"--version {specification.version}")
    plan = training.get("plan", {})
    if specification.architecture in BACKBONES and plan:
        words += _name_changes(plan, default_plan(specification.architecture).to_dict())
    calibrated_on = training.get("calibrated_on", "")
    if calibrated_on.startswith(OUT_OF_FOLD):
        words.append(f"--calibration ml/results/cross-validation/{calibrated_on.removeprefix(OUT_OF_FOLD)}")
    return " ".join(words)


def _name_changes(plan: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    """Return the options that make `usual`, an architecture's own plan, into `plan`."""
    changed = [key for key in usual if key not in ("weights", "keep_best") and plan.get(key) != usual[key]]
    return [
        f"--{key.replace('_', '-')} {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in ((key, plan[key]) for key in changed)
    ]
