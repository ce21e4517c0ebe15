"""The architecture of a Keras 2 file in words that Keras 3 understands."""

from typing import Any

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
