"""Training plan (hyperparameters): what decides a network's weights, besides images and machine."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ml.training.augmentation import AUGMENTATIONS
from ml.training.backbones import BACKBONES

OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "cosine")


class PlanError(ValueError):
    """A training plan says something impossible."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a network is trained; the defaults are the paper's: Adam, batches of 32, 10 epochs.

    `input_size`: side in pixels of the finished network's input. `training_sizes`: side used in
    each epoch, the last one repeated, empty for `input_size`; growing sizes cost less and train
    as well (Tan and Le 2021, "EfficientNetV2", section 4). `learning_rate` is the highest one;
    `cosine` rises to it over the first 5 % of the steps and falls to zero. `head_rate` multiplies
    it for the new head. `averaging`: momentum of the exponential average of the weights, 0 for
    none. `augmentation`: one of `ml.training.augmentation.AUGMENTATIONS`. `label_smoothing` in [0, 1).
    `frozen_until`: name of the first layer that learns, empty for all. `keep_best` keeps the
    epoch with the lowest validation loss, where there are validation images; otherwise the last
    one counts. Raises PlanError.
    """

    architecture: str = "paper-cnn-2"
    input_size: int = 224
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.001
    augmentation: str = "none"
    validation_fraction: float = 0.15
    seed: int = 0
    optimizer: str = "adam"
    schedule: str = "constant"
    weight_decay: float = 0.0
    head_rate: float = 1.0
    averaging: float = 0.0
    label_smoothing: float = 0.0
    training_sizes: tuple[int, ...] = ()
    frozen_until: str = ""
    weights: str = ""
    keep_best: bool = True

    def __post_init__(self) -> None:
        for name, value, known in (
            ("augmentation", self.augmentation, AUGMENTATIONS),
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("schedule", self.schedule, SCHEDULES),
        ):
            if value not in known:
                raise PlanError(f"Expected the {name} among {', '.join(known)}, received {value!r}.")
        if self.epochs < 1 or self.batch_size < 1 or self.input_size < 1:
            raise PlanError("Expected epochs, batch size and input size of at least 1.")
        if not (0.0 <= self.averaging < 1.0 and 0.0 <= self.label_smoothing < 1.0):
            raise PlanError("Expected averaging and label smoothing from 0 to below 1.")

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return {**asdict(self), "training_sizes": list(self.training_sizes)}

    def size_in(self, epoch: int) -> int:
        """Return the side in pixels that epoch number `epoch`, from 1, trains at."""
        if not self.training_sizes:
            return self.input_size
        return self.training_sizes[min(epoch, len(self.training_sizes)) - 1]


FINE_TUNING = TrainingPlan(
    architecture="efficientnetv2-b0",
    input_size=288,
    epochs=16,
    learning_rate=6e-4,
    augmentation="dermoscopy",
    optimizer="adamw",
    schedule="cosine",
    weight_decay=0.02,
    head_rate=5.0,
    averaging=0.99,
    label_smoothing=0.05,
    training_sizes=(208,) * 8 + (256,) * 5 + (288,) * 3,
    frozen_until="block3a_expand_conv",
    keep_best=False,
)


def default_plan(architecture: str) -> TrainingPlan:
    """Return the plan that `architecture` is trained by unless told otherwise."""
    if architecture not in BACKBONES:
        return TrainingPlan(architecture=architecture)
    if architecture == FINE_TUNING.architecture:
        return FINE_TUNING
    size = BACKBONES[architecture].input_size
    sizes = tuple(round(side * size / FINE_TUNING.input_size) for side in FINE_TUNING.training_sizes)
    return replace(
        FINE_TUNING, architecture=architecture, input_size=size, training_sizes=sizes, frozen_until=""
    )
