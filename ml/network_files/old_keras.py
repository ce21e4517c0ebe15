"""Keras 2 architectures in words that Keras 3 understands; others rebuilt as one flat network."""

from typing import TYPE_CHECKING, Any

from ml.network_files.config_scan import IDLE, MODELS
from ml.network_files.loading import find_own_layers
from ml.network_files.plan import NetworkPlan, PlanStep
from ml.network_files.stored_weights import Weights

if TYPE_CHECKING:
    import keras


# Written by Keras 2 with every layer; Keras 3 has no such argument for these.
_DROPPED = {
    "DepthwiseConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint", "filters"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "InputLayer": ("ragged",),
}
_MARKS = ("module", "registered_name", "build_config", "compile_config", "shared_object_id")


def modernize_config(value: Any) -> Any:
    """Return a scanned Keras 2 architecture for Keras 3's reader of old files.

    Module names of Keras 2 go, so do arguments that no longer exist; `Model` is `Functional`, a
    list of layers a Sequential, a policy of types float32. Nothing that changes a number goes:
    what the result computes is compared with the old file's own weights and wiring
    (`ml.network_files.conversion_process`).
    """
    if isinstance(value, list):
        return [modernize_config(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: modernize_config(one) for key, one in value.items()}
    kind, inner = value["class_name"], value.get("config")
    made = {key: modernize_config(one) for key, one in value.items() if key not in _MARKS}
    if kind == "Model":
        made["class_name"] = "Functional"
    if kind == "Sequential" and isinstance(inner, list):
        made["config"] = {"name": "sequential", "layers": made["config"]}
    if isinstance(inner, dict):
        for key in _DROPPED.get(kind, ()):
            made["config"].pop(key, None)
        axis = inner.get("axis")
        if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
            made["config"]["axis"] = axis[0]
        if "dtype" in inner:
            made["config"]["dtype"] = "float32"
    return made


# --- Built from the plan: what Keras 3 cannot read of a Keras 2 file


def needs_plan(plan: NetworkPlan) -> bool:
    """Whether Keras 3's own reader would refuse the file, though every layer of it exists.

    It takes no model within a model, no name with a slash (every DenseNet of Keras 2 has them), and
    no augmentation with the arguments of then.
    """
    return any(
        layer.kind in MODELS or layer.kind.startswith("Random") or "/" in layer.name for layer in plan.layers
    )


def build_flat(plan: NetworkPlan, weights: Weights) -> "keras.Model":
    """Build the plan's steps as one Functional network of Keras's own layers, with its weights.

    What does nothing at inference is left out. Raises ValueError or TypeError where Keras refuses a
    layer's configuration or weights.
    """
    import keras

    values: list[Any] = [keras.Input(plan.input_shape, name="image")]
    layers: dict[int, Any] = {}
    names = {"image"}
    for step in plan.steps:
        inputs = [values[source] for source in step.sources]
        if step.kind in IDLE:
            values.append(inputs[0])
            continue
        if step.layer not in layers:
            layers[step.layer] = _make_layer(step, names)
        values.append(layers[step.layer](inputs if len(inputs) > 1 else inputs[0]))
    for number, arrays in weights.items():
        if arrays:
            layers[number].set_weights(arrays)
    return keras.Model(values[0], values[plan.output], name="converted")


def _make_layer(step: PlanStep, names: set[str]) -> Any:
    import keras

    config = dict(modernize_config({"class_name": step.kind, "config": step.config})["config"])
    for key in ("batch_input_shape", "batch_shape", "input_shape"):
        config.pop(key, None)
    plain = step.name.replace("/", "_")
    name, count = plain, 1
    while name in names:
        count += 1
        name = f"{plain}_{count}"
    names.add(name)
    if step.kind == "RandomCrop":  # at inference it resized the middle; in Keras 3 it does nothing
        size = (config["height"], config["width"])
        return keras.layers.Resizing(*size, crop_to_aspect_ratio=True, name=name)
    # A name of the allow-list.
    kind: Any = find_own_layers().get(step.kind) or getattr(keras.layers, step.kind)
    return kind.from_config({**config, "name": name})
