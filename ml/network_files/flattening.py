"""A network of networks as one: Keras 3 cannot read the nested files of Keras 2."""

from typing import TYPE_CHECKING, Any

from ml.network_files.config_scan import MODELS
from ml.network_files.old_keras import modernize_config
from ml.network_files.plan import NetworkPlan, Step
from ml.network_files.stored_weights import Weights

if TYPE_CHECKING:
    import keras


def is_nested(plan: NetworkPlan) -> bool:
    """Whether a model lies within the model."""
    return any(layer.kind in MODELS for layer in plan.layers)


def build_flat(plan: NetworkPlan, weights: Weights) -> "keras.Model":
    """Build the plan's steps as one Functional network of Keras's own layers, with its weights.

    Raises ValueError or TypeError where Keras refuses a layer's configuration or weights.
    """
    import keras

    values: list[Any] = [keras.Input(plan.input_shape, name="image")]
    layers: dict[int, Any] = {}
    names = {"image"}
    for step in plan.steps:
        if step.layer not in layers:
            layers[step.layer] = _make_layer(step, names)
        inputs = [values[source] for source in step.sources]
        values.append(layers[step.layer](inputs if len(inputs) > 1 else inputs[0]))
    for number, arrays in weights.items():
        if arrays:
            layers[number].set_weights(arrays)
    return keras.Model(values[0], values[plan.output], name="converted")


def _make_layer(step: Step, names: set[str]) -> Any:
    import keras

    config = dict(modernize_config({"class_name": step.kind, "config": step.config})["config"])
    for key in ("batch_input_shape", "batch_shape", "input_shape"):
        config.pop(key, None)
    name, count = step.name, 1
    while name in names:
        count += 1
        name = f"{step.name}_{count}"
    names.add(name)
    kind = getattr(keras.layers, step.kind)  # a name of the allow-list
    return kind.from_config({**config, "name": name})
