"""Network files that must be refused, built one at a time from a good one."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np


def copy_network(source: Path, folder: Path) -> Path:
    return Path(shutil.copy(source, folder / "attack.h5"))


def change_config(path: Path, change) -> None:
    with h5py.File(path, "r+") as root:
        config = json.loads(root.attrs["model_config"])
        change(config)
        root.attrs["model_config"] = json.dumps(config)


def add_layer(layer: dict):
    def change(config):
        config["config"]["layers"].insert(-1, layer)

    return change


def soft_link(root: h5py.File) -> None:
    root["model_weights/linked"] = h5py.SoftLink("/model_weights/conv_1")


def external_link(root: h5py.File) -> None:
    root["model_weights/linked"] = h5py.ExternalLink("/etc/passwd", "/")


def external_storage(root: h5py.File) -> None:
    root.create_dataset("stolen", (16,), dtype="u1", external=[("/etc/passwd", 0, 16)])


def virtual_data(root: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "data", shape=(4,))
    root.create_virtual_dataset("virtual", layout)


def object_references(root: h5py.File) -> None:
    root.create_dataset("references", (1,), dtype=h5py.ref_dtype)


def text_data(root: h5py.File) -> None:
    root.create_dataset("words", data=["import os"])


def named_type(root: h5py.File) -> None:
    root["named"] = np.dtype("f4")


def plugin_filter(root: h5py.File) -> None:
    root.create_dataset("packed", data=np.zeros(64, "f4"), compression="lzf")


def huge_data(root: h5py.File) -> None:
    root.create_dataset("huge", (2**32,), dtype="f4", chunks=(2**16,))


def deep_groups(root: h5py.File) -> None:
    root.create_group("/".join(["g"] * 40))


def no_config(root: h5py.File) -> None:
    del root.attrs["model_config"]


def list_config(root: h5py.File) -> None:
    root.attrs["model_config"] = ["{}", "{}"]


def broken_config(root: h5py.File) -> None:
    root.attrs["model_config"] = "{"


def nested_config(root: h5py.File) -> None:
    root.attrs["model_config"] = '{"class_name": "Sequential", "config": ' + "[" * 20_000 + "]" * 20_000 + "}"


def missing_weights(root: h5py.File) -> None:
    del root["model_weights/conv_1"]


TREE_ATTACKS = {
    soft_link: "link_not_allowed",
    external_link: "link_not_allowed",
    external_storage: "external_data",
    virtual_data: "virtual_data",
    object_references: "type_not_allowed",
    text_data: "type_not_allowed",
    named_type: "object_not_allowed",
    plugin_filter: "filter_not_allowed",
    huge_data: "inflating_data",
    deep_groups: "too_complex",
    no_config: "config_missing",
    list_config: "config_malformed",
    broken_config: "config_malformed",
    nested_config: "config_malformed",
    missing_weights: "weights_missing",
}

CONFIG_ATTACKS = {
    "a Lambda layer": (
        add_layer({"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}),
        "lambda_not_allowed",
    ),
    "a Lambda hidden in a nested model": (
        add_layer({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda"}]}}),
        "lambda_not_allowed",
    ),
    "a Lambda as an old-style name": (add_layer({"class_name": "__lambda__"}), "lambda_not_allowed"),
    "a layer that runs a saved graph": (
        add_layer({"class_name": "TFSMLayer", "config": {"filepath": "/tmp/graph"}}),
        "layer_not_allowed",
    ),
    "a custom layer": (add_layer({"class_name": "Evil>Layer", "config": {}}), "layer_not_allowed"),
    "a custom object registered under a known name": (
        add_layer({"class_name": "Dense", "registered_name": "Evil>Dense", "config": {}}),
        "layer_not_allowed",
    ),
    "a class name that is not text": (add_layer({"class_name": ["Dense"]}), "layer_not_allowed"),
    "a function of another module": (
        add_layer({"class_name": "Dense", "module": "os", "config": {}}),
        "module_not_allowed",
    ),
    "a function as activation": (
        add_layer({"class_name": "Dense", "config": {"activation": {"module": "builtins"}}}),
        "activation_not_allowed",
    ),
    "an unknown activation": (
        add_layer({"class_name": "Dense", "config": {"activation": "eval"}}),
        "activation_not_allowed",
    ),
    "a function as initial value": (
        add_layer(
            {
                "class_name": "Dense",
                "config": {"kernel_initializer": {"class_name": "function", "config": "exec"}},
            }
        ),
        "layer_not_allowed",
    ),
    "too many layers": (
        lambda config: config["config"]["layers"].extend([{"class_name": "Dense"}] * 3000),
        "too_complex",
    ),
    "another kind of model": (lambda config: config.update(class_name="Evil"), "config_malformed"),
    "a layer Keras cannot build": (
        lambda config: config["config"]["layers"][1]["config"].update(surprise=1),
        "not_buildable",
    ),
    "a layer of no size": (
        add_layer({"class_name": "Dense", "config": {"units": "many"}}),
        "shape_not_possible",
    ),
    "a layer of a thousand million units": (
        add_layer({"class_name": "Dense", "config": {"units": 10**9}}),
        "too_large",
    ),
    "an image that grows past memory": (
        lambda config: config["config"]["layers"].insert(
            1, {"class_name": "UpSampling2D", "config": {"size": [4000, 4000]}}
        ),
        "too_large",
    ),
    "a loop of one layer's graph": (
        lambda config: config.update(
            class_name="Functional",
            config={
                "layers": [
                    {"class_name": "InputLayer", "name": "a", "config": {"batch_shape": [None, 8, 8, 3]}},
                    {"class_name": "ReLU", "name": "b", "config": {}, "inbound_nodes": [[["b", 0, 0, {}]]]},
                ],
                "input_layers": [["a", 0, 0]],
                "output_layers": [["b", 0, 0]],
            },
        ),
        "graph_not_supported",
    ),
}
