"""Optimizer of a plan: rates by layer, a schedule, an average of the weights."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ml.training.plans import TrainingPlan

if TYPE_CHECKING:
    import keras

HEAD = "malignant"
_WARM_UP = 0.05


def build_optimizer(plan: TrainingPlan, steps: int) -> "keras.optimizers.Optimizer":
    """Return the optimizer of `plan` for a run of `steps` batches in all."""
    import keras

    rate: Any = plan.learning_rate
    if plan.schedule == "cosine":
        warm_up = max(1, round(_WARM_UP * steps))
        rate = keras.optimizers.schedules.CosineDecay(
            plan.learning_rate / warm_up,
            max(1, steps - warm_up),
            warmup_target=plan.learning_rate,
            warmup_steps=warm_up,
        )
    averages = {"use_ema": True, "ema_momentum": plan.averaging} if plan.averaging else {}
    if plan.optimizer == "adam":
        return keras.optimizers.Adam(rate, **averages)
    kind = _discriminative_adamw()
    optimizer = kind(rate, weight_decay=plan.weight_decay, clipnorm=1.0, **averages)
    optimizer.head_rate = plan.head_rate
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def read_averages(model: "keras.Model") -> list[np.ndarray[Any, Any]]:
    """Return the weights, in `get_weights` order, with the optimizer's averages where it has any."""
    weights = [np.asarray(weight) for weight in model.get_weights()]
    averages = getattr(model.optimizer, "_model_variables_moving_average", None)
    if not averages or not getattr(model.optimizer, "use_ema", False):
        return weights
    by_path = dict(zip((v.path for v in model.trainable_variables), averages, strict=True))
    return [
        np.asarray(by_path[variable.path]) if variable.path in by_path else weight
        for variable, weight in zip(model.weights, weights, strict=True)
    ]


def _discriminative_adamw() -> "type[Any]":
    import keras

    class DiscriminativeAdamW(keras.optimizers.AdamW):
        """AdamW (Loshchilov and Hutter 2019) with a higher rate for the new head."""

        head_rate = 1.0

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            is_head = HEAD in getattr(variable, "path", "")
            super().update_step(gradient, variable, learning_rate * (self.head_rate if is_head else 1.0))

    return DiscriminativeAdamW
