"""Leave-one-source-out cross-validation: what a recipe is worth on a hospital that it never saw."""

import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import PAPER_SET
from ml.datasets.sources import ARCHIVES_SET, COUNTED, HoldOut, SourcedImage
from ml.evaluation.metrics import measure_auc, measure_ece
from ml.training.activations import Activations
from ml.training.fitting import LeftOut, fit_left_out
from ml.training.full_tuning import (
    DIAGNOSES,
    FullTuningPlan,
    Pictures,
    run_features,
    run_network,
    sum_malignant,
    tune_whole,
)
from ml.training.gate_fitting import fit_ground
from ml.training.transfer import (
    TransferPlan,
    extract_features,
    fit_plan_probe,
    score_cut,
    tune_upper,
)

# Shares of the fine-tuned weights that every run is judged at, so that the mix is chosen on held-out images.
MIXES = (0.0, 0.25, 0.5, 0.75, 1.0)
COLUMNS = ("data_set", "path", "label", "source", "hold_out", "probability", "distance")
# Before the probability of each diagnosis, of a network that names them.
_NAMED = ("diagnosis", "lesion")


@dataclass(frozen=True, slots=True)
class Judged:
    """One hold-out: raw P(malignant) float64 (m,) of its judged images in order, by mix; seconds it took.

    `distances` float64 (m,) of these images from what the network learned from, and `diagnoses` float32 (m, c)
    probabilities of `ml.training.full_tuning.DIAGNOSES`, both at the plan's mix, or None.
    """

    hold_out: HoldOut
    by_mix: dict[float, NDArray[np.float64]]
    seconds: float = 0.0
    distances: NDArray[np.float64] | None = None
    diagnoses: NDArray[np.float32] | None = None


def judge_once(
    plan: Mapping[str, Any],
    hold_out: HoldOut,
    folder: Path,
    learn: Callable[[], Judged],
    *,
    with_ground: bool,
) -> Judged:
    """Return what `folder` keeps of `hold_out` by `plan`, or what `learn` finds, kept there from then on.

    `with_ground`: what is kept without distances is not enough.
    """
    done = folder / "judged.npz"
    stored = _read_judged(done, plan, hold_out)
    if stored is not None and (stored.distances is not None or not with_ground):
        return stored
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    result = replace(learn(), seconds=time.monotonic() - started)
    _write_judged(done, plan, result)
    return result


def judge_hold_out(
    plan: TransferPlan,
    images: Sequence[SourcedImage],
    kept: Activations,
    hold_out: HoldOut,
    folder: Path,
    *,
    weights: Path | None,
    with_ground: bool = False,
) -> Judged:
    """Learn from all images but those held out and judge these; resumes from `folder`.

    `with_ground` also measures how far they are from what the network learned from.
    """

    def learn() -> Judged:
        learned, judged = np.flatnonzero(~hold_out.held_out), np.flatnonzero(hold_out.judged)
        by_mix, features = {}, kept.features[0]
        if not plan.epochs:
            by_mix[plan.mix] = fit_plan_probe(plan, images, kept, learned).score(features[judged])
        else:
            tuned = tune_upper(plan, images, kept, learned, folder, weights=weights)
            for mix in sorted({*MIXES, plan.mix}):
                tuned.set_mix(mix)
                by_mix[mix] = score_cut(tuned.upper, kept.cut[0][judged])
            if with_ground:
                tuned.set_mix(plan.mix)
                features = extract_features(tuned, kept.cut[0]).astype(np.float16)
        if not with_ground:
            return Judged(hold_out, by_mix)
        sources = [images[index].source for index in learned.tolist()]
        ground = fit_ground(features[learned], sources)
        return Judged(hold_out, by_mix, distances=ground.measure(features[judged].astype(np.float32)))

    return judge_once(plan.to_dict(), hold_out, folder, learn, with_ground=with_ground)


def judge_hold_out_whole(
    plan: FullTuningPlan,
    pictures: Pictures,
    hold_out: HoldOut,
    folder: Path,
    *,
    weights: Path | None,
    with_ground: bool = False,
    after_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Judged:
    """Tune a whole network on all images but those held out and judge these; resumes from `folder`."""

    def learn() -> Judged:
        learned, judged = np.flatnonzero(~hold_out.held_out), np.flatnonzero(hold_out.judged)
        tuned = tune_whole(plan, pictures, learned, folder, weights=weights, after_epoch=after_epoch)
        by_mix, diagnoses = {}, None
        for mix in sorted({0.0, 0.5, 0.75, 1.0, plan.mix}):
            tuned.set_mix(mix)
            probabilities = run_network(plan, tuned.network, pictures.pixels[judged])
            by_mix[mix] = sum_malignant(probabilities)
            if mix == plan.mix:
                diagnoses = probabilities
        if not with_ground:
            return Judged(hold_out, by_mix, diagnoses=diagnoses)
        tuned.set_mix(plan.mix)
        sources = [pictures.images[index].source for index in learned.tolist()]
        ground = fit_ground(run_features(plan, tuned.network, pictures.pixels[learned]), sources)
        distances = ground.measure(run_features(plan, tuned.network, pictures.pixels[judged]))
        return Judged(hold_out, by_mix, distances=distances, diagnoses=diagnoses)

    return judge_once(plan.to_dict(), hold_out, folder, learn, with_ground=with_ground)


def _read_judged(path: Path, plan: Mapping[str, Any], hold_out: HoldOut) -> Judged | None:
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        if json.loads(stored["plan"].tobytes()) != plan:
            return None
        by_mix = {float(name[2:]): stored[name] for name in stored.files if name.startswith("p_")}
        rest = {name: stored[name] for name in ("distances", "diagnoses") if name in stored.files}
        return Judged(hold_out, by_mix, float(stored["seconds"]), **rest)


def _write_judged(path: Path, plan: Mapping[str, Any], result: Judged) -> None:
    arrays: dict[str, Any] = {f"p_{mix}": p for mix, p in result.by_mix.items()}
    rest = {"distances": result.distances, "diagnoses": result.diagnoses}
    arrays |= {name: values for name, values in rest.items() if values is not None}
    note = np.frombuffer(json.dumps(dict(plan)).encode(), dtype=np.uint8)
    draft = path.with_suffix(".partial")
    with draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, plan=note, seconds=np.array(result.seconds), **arrays)
    draft.replace(path)


def summarise_hold_outs(
    images: Sequence[SourcedImage], results: Sequence[Judged], mix: float
) -> dict[str, Any]:
    """Return the AUC of each hold-out at `mix`, the mean and the worst of COUNTED, and of the lesion folds.

    `within_set`: of the images of extra-train-2 alone, whose two classes were prepared alike. `lesions`: all
    folds' held-out images together, and the paper's alone. A figure whose images are of one class is missing.
    """
    labels = np.array([image.label for image in images])
    sets = np.array([image.data_set for image in images])
    by_source: dict[str, dict[str, Any]] = {}
    folds: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for result in results:
        p = result.by_mix[mix]
        judged = np.flatnonzero(result.hold_out.judged)
        if result.hold_out.name.startswith("fold-"):
            folds.append((judged, p))
            continue
        within = sets[judged] == ARCHIVES_SET
        by_source[result.hold_out.name] = {
            "images": int(judged.size),
            "malignant": int(labels[judged].sum()),
            "auc": _measure(p, labels[judged]),
            "within_set": _measure(p[within], labels[judged][within]),
        }
    aucs = [by_source[name]["auc"] for name in COUNTED if name in by_source]
    summary: dict[str, Any] = {"by_source": by_source}
    if len(aucs) > 1:
        summary |= {"mean": round(float(np.mean(aucs)), 4), "worst": min(aucs), "counted": len(aucs)}
    if folds:
        judged, p = (np.concatenate(parts) for parts in zip(*folds, strict=True))
        paper = sets[judged] == PAPER_SET
        summary["lesions"] = {
            "folds": len(folds),
            "images": int(judged.size),
            "auc": _measure(p, labels[judged]),
            "paper": _measure(p[paper], labels[judged][paper]) if paper.any() else None,
        }
    return summary


def _measure(p: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    return round(measure_auc(p, labels), 4) if len(set(labels.tolist())) == 2 else None


def write_left_out(
    folder: Path,
    name: str,
    record: Mapping[str, Any],
    images: Sequence[SourcedImage],
    results: Sequence[Judged],
    *,
    mix: float | None,
) -> None:
    """Write `name`.json, and unless `mix` is None `name`.csv: P of every judged image in every hold-out there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(dict(record), indent=1) + "\n", encoding="utf-8")
    if mix is None:
        return
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        named = all(result.diagnoses is not None for result in results)
        classes = (*_NAMED, *(f"p_{name}" for name in DIAGNOSES)) if named else ()
        writer.writerow((*COLUMNS, *classes))
        for result in results:
            judged, p = np.flatnonzero(result.hold_out.judged), result.by_mix[mix]
            far = (
                [""] * p.size if result.distances is None else [f"{value:.4f}" for value in result.distances]
            )
            each = np.empty((p.size, 0)) if result.diagnoses is None or not named else result.diagnoses
            for index, value, distance, row in zip(
                judged.tolist(), p.tolist(), far, each.tolist(), strict=True
            ):
                image = images[index]
                cells = (image.data_set, image.path, image.label, image.source)
                told = (image.diagnosis, image.group, *(f"{chance:.5g}" for chance in row)) if named else ()
                writer.writerow((*cells, result.hold_out.name, f"{value:.5f}", distance, *told))


def read_left_out(path: Path) -> LeftOut:
    """Return the images of the hold-outs COUNTED, each judged without its source, of a file of `write_left_out`.

    Raises ValueError when it holds none.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["hold_out"] in COUNTED]
    if not rows:
        raise ValueError(f"Expected images of {', '.join(COUNTED)} in {path.name}, received none.")
    distances = None
    if all(row["distance"] for row in rows):
        distances = np.array([float(row["distance"]) for row in rows])
    return LeftOut(
        np.array([float(row["probability"]) for row in rows]),
        np.array([row["label"] == "1" for row in rows]),
        np.array([row["source"] for row in rows]),
        distances,
    )


def check_promises(images: LeftOut) -> dict[str, dict[str, float]]:
    """Return what the policy does on each source when it and the calibration are fitted on the others alone.

    By source: `missed` malignant called benign, `alarmed` benign called malignant, `answered`, `far` referred
    for their distance, all shares; `ece` of the calibrated figure, `images`.
    """
    found = {}
    for name in sorted(set(images.sources.tolist())):
        own = images.sources == name
        calibration, policy = fit_left_out(images.keep(~own), version="left-out")
        here = images.keep(own)
        p = calibration.apply(here.p)
        far = np.zeros(p.size, dtype=bool)
        if here.distances is not None and policy.distance_most is not None:
            far = here.distances > policy.distance_most
        benign, malignant = (p < policy.refer_low) & ~far, (p > policy.refer_high) & ~far
        found[name] = {
            "images": int(p.size),
            "missed": round(float(benign[here.y].mean()), 4),
            "alarmed": round(float(malignant[~here.y].mean()), 4),
            "answered": round(float((benign | malignant).mean()), 4),
            "far": round(float(far.mean()), 4),
            "ece": round(measure_ece(p, here.y), 4),
        }
    return found
