"""Transfer that travels: a linear probe first, then careful fine-tuning, then an average of both weights.

Fine-tuning a network whose head is random distorts features that were good enough for other hospitals (Kumar
et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution"); so the probe is
fitted first, the upper stage then learns slowly, held near its start, and the weights of before and after are
averaged (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.sources import SourcedImage, balance_weights
from ml.serving.device import configure_devices
from ml.training.activations import FEATURES, Activations, CachePlan, split_network
from ml.training.backbones import BACKBONES, find_application
from ml.training.checkpoints import Progress, restore_checkpoint, save_checkpoint
from ml.training.optimizers import HEAD, build_optimizer, read_averages
from ml.training.plans import PlanError, TrainingPlan
from ml.training.probes import LinearProbe, fit_probe
from ml.training.run import seed_dropout

if TYPE_CHECKING:
    import keras

_BATCH = 64
# Every so many batches the weights go back towards their start, as far as they would have batch by batch.
_PULL_STEP = 10


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """How a backbone is made a network that travels; `epochs` 0 is the probe alone.

    `architecture`, `input_size` (pixels), `cut` (last frozen layer), `copies` changed copies of each image,
    `seed`. `penalty` and `nuisance` of `ml.training.probes.fit_probe`. `most`: the largest weight of an image in
    the balance of sources, of the mean; 0 balances nothing. `learning_rate` is the highest, on a cosine;
    `pull`: share of the way back to the start that the weights go in each batch (decoupled L2 to the start);
    `averaging`: momentum of the running average of the weights; `mix`: share of the fine-tuned weights in the
    end, the rest being the probe's. Raises PlanError.
    """

    architecture: str
    input_size: int = 224
    cut: str = ""
    copies: int = 3
    seed: int = 0
    penalty: float = 1e-3
    nuisance: float = 0.0
    most: float = 4.0
    epochs: int = 0
    learning_rate: float = 1e-4
    pull: float = 0.0
    averaging: float = 0.99
    label_smoothing: float = 0.05
    mix: float = 1.0
    weights: str = ""

    def __post_init__(self) -> None:
        if self.epochs and not self.cut:
            raise PlanError("Expected a cut, the last frozen layer, to fine-tune above; received none.")
        if not (0 <= self.mix <= 1 and 0 <= self.pull < 1 and self.copies >= 0 and self.epochs >= 0):
            raise PlanError("Expected mix in [0, 1], pull in [0, 1), and no negative count.")

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)

    @property
    def cache(self) -> CachePlan:
        """Return what decides the cached activations."""
        return CachePlan(self.architecture, self.input_size, self.cut, self.weights, self.seed)


def weigh_images(plan: TransferPlan, images: Sequence[SourcedImage]) -> NDArray[np.float64]:
    """Return the weight of each image, float64 (n,), by the plan's balance of sources and classes."""
    return balance_weights(images, most=plan.most) if plan.most else np.ones(len(images))


def fit_plan_probe(
    plan: TransferPlan, images: Sequence[SourcedImage], kept: Activations, learned: NDArray[np.int64]
) -> LinearProbe:
    """Fit the probe on the images at `learned`, int64 (m,), and all their copies."""
    chosen = [images[index] for index in learned]
    labels = np.array([image.label for image in chosen])
    return fit_probe(
        kept.features[:, learned],
        labels,
        weigh_images(plan, chosen),
        penalty=plan.penalty,
        nuisance=plan.nuisance,
    )


@dataclass(frozen=True, slots=True)
class Tuned:
    """A network before and after: `whole` shares its upper layers with `upper`; weights of `upper` each."""

    whole: "keras.Model"
    upper: "keras.Model"
    start: list[NDArray[np.float32]]
    end: list[NDArray[np.float32]]
    progress: Progress

    def set_mix(self, mix: float) -> None:
        """Give the network `mix` of the fine-tuned weights and the rest of the probe's."""
        pairs = zip(self.start, self.end, strict=True)
        self.upper.set_weights([(1 - mix) * before + mix * after for before, after in pairs])


def tune_upper(
    plan: TransferPlan,
    images: Sequence[SourcedImage],
    kept: Activations,
    learned: NDArray[np.int64],
    folder: Path,
    *,
    weights: Path | None,
    after_epoch: Callable[[int], None] | None = None,
) -> Tuned:
    """Fit the probe, put it into the head, then train what lies above the cut on the images at `learned`.

    Each batch draws images by their weights, each as one of its copies. A checkpoint in `folder` after each
    epoch: stopped and begun again, the run ends as one that was not. Raises
    `ml.training.checkpoints.CheckpointError` for another plan's checkpoint.
    """
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    configure_devices()
    import keras

    keras.utils.set_random_seed(plan.seed)
    whole, upper, _ = split_network(plan.architecture, plan.input_size, plan.cut, weights)
    if upper is None:
        raise PlanError("Expected a cut to fine-tune above, received none.")
    put_probe(whole, fit_plan_probe(plan, images, kept, learned))
    start = [np.array(weight) for weight in upper.get_weights()]
    if not plan.epochs:
        return Tuned(whole, upper, start, start, Progress())
    steps = max(1, len(learned) // _BATCH)
    upper.compile(
        optimizer=build_optimizer(_describe_training(plan), steps * plan.epochs),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=plan.label_smoothing),
    )
    upper.optimizer.build(upper.trainable_variables)
    anchors = [np.array(variable) for variable in upper.trainable_variables]
    progress = restore_checkpoint(folder, upper, {**plan.to_dict(), "images": len(learned)})
    chances = weigh_images(plan, [images[index] for index in learned])
    labels = np.array([images[index].label for index in learned], dtype=np.float32)
    for epoch in range(len(progress.history) + 1, plan.epochs + 1):
        seed_dropout(upper, plan.seed, epoch)
        generator = np.random.default_rng([plan.seed, epoch])
        places = generator.choice(len(learned), steps * _BATCH, p=chances / chances.sum())
        copies = generator.integers(0, len(kept.cut), places.size)
        total = 0.0
        for step in range(steps):
            here = slice(step * _BATCH, (step + 1) * _BATCH)
            batch = np.stack(
                [kept.cut[c][learned[p]] for c, p in zip(copies[here], places[here], strict=True)]
            ).astype(np.float32)
            total += float(upper.train_on_batch(batch, labels[places[here], None]))
            if plan.pull and step % _PULL_STEP == _PULL_STEP - 1:
                kept_share = (1 - plan.pull) ** _PULL_STEP
                for variable, anchor in zip(upper.trainable_variables, anchors, strict=True):
                    variable.assign(anchor + (variable - anchor) * kept_share)
        progress.history.append({"epoch": epoch, "loss": total / steps})
        progress.best_epoch, progress.best_weights = epoch, read_averages(upper)
        save_checkpoint(folder, upper, progress, {**plan.to_dict(), "images": len(learned)})
        if after_epoch is not None:
            after_epoch(epoch)
    return Tuned(whole, upper, start, progress.best_weights, progress)


def fit_probe_alone(
    plan: TransferPlan,
    images: Sequence[SourcedImage],
    kept: Activations,
    learned: NDArray[np.int64],
    *,
    weights: Path | None,
) -> "keras.Model":
    """Return the backbone as it starts, with the probe fitted on the images at `learned` as its head."""
    configure_devices()
    whole, _, _ = split_network(plan.architecture, plan.input_size, "", weights)
    put_probe(whole, fit_plan_probe(plan, images, kept, learned))
    return whole


def put_probe(network: "keras.Model", probe: LinearProbe) -> None:
    """Make `probe` the head of `network`."""
    head = network.get_layer(HEAD)
    head.set_weights([probe.weights.astype(np.float32)[:, None], np.array([probe.bias], dtype=np.float32)])


def score_cut(upper: "keras.Model", values: NDArray[np.float16]) -> NDArray[np.float64]:
    """Return P(malignant), float64 (n,), of cached activations (n, h, w, c)."""
    return _run_batches(upper, values)[:, 0].astype(np.float64)


def extract_features(tuned: Tuned, values: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return the pooled features (n, d) that the network's head reads, of cached activations."""
    import keras

    inner = keras.Model(tuned.upper.input, tuned.upper.get_layer(FEATURES).output)
    return _run_batches(inner, values)


def _run_batches(network: "keras.Model", values: NDArray[np.float16]) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(values), _BATCH):
        part = values[start : start + _BATCH]
        padded = np.zeros((_BATCH, *part.shape[1:]), dtype=np.float32)
        padded[: len(part)] = part
        parts.append(np.asarray(network.predict_on_batch(padded))[: len(part)])
    return np.concatenate(parts)


def _describe_training(plan: TransferPlan) -> TrainingPlan:
    return TrainingPlan(
        architecture=plan.architecture,
        input_size=plan.input_size,
        epochs=plan.epochs,
        batch_size=_BATCH,
        learning_rate=plan.learning_rate,
        optimizer="adamw",
        schedule="cosine",
        averaging=plan.averaging,
        seed=plan.seed,
    )


def blend_backbone(
    architecture: str, weights: Path, network: "keras.Model", share: float, path: Path
) -> None:
    """Write to `path` the backbone `share` of the way from its ImageNet `weights` to a trained `network`.

    Between the two lies what fine-tuning taught with less of what it spoilt (Wortsman et al. 2022). Raises
    ValueError when the network is of another architecture.
    """
    backbone = BACKBONES[architecture]
    side = int(network.input_shape[1] or backbone.input_size)
    base = find_application(architecture)(
        include_top=False, weights=str(weights), input_shape=(side, side, 3), **dict(backbone.options)
    )
    for layer in base.layers:
        if layer.weights:
            pairs = zip(layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True)
            layer.set_weights([(1 - share) * before + share * after for before, after in pairs])
    path.parent.mkdir(parents=True, exist_ok=True)
    base.save_weights(path)
