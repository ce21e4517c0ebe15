"""Transfer learning: `keras.applications` with a benign-malignant head, their preprocessing inside."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Means of the ImageNet training images, 0-255, blue green red: what "caffe" networks subtract.
_CAFFE_MEANS = (103.939, 116.779, 123.68)
# Means and variances of the same images in [0, 1], red green blue.
_TORCH_MEANS = (0.485, 0.456, 0.406)
_TORCH_VARIANCES = (0.229**2, 0.224**2, 0.225**2)
DROPOUT = 0.2
# Of a file that `python -m ml blend` wrote.
BLENDED = ".weights.h5"


@dataclass(frozen=True, slots=True)
class Backbone:
    """One network of `keras.applications`.

    `application`: its name there; `options`: its arguments; `preprocessing`: `inside` when Keras
    puts it into the network, else `signed`, `torch` or `caffe` as in
    `keras.applications.imagenet_utils.preprocess_input`; `input_size`: side in pixels of its own
    training; `weights_file`: name of its file of ImageNet weights, without the head, in the
    folder `DERMAPORT_WEIGHTS`, or empty; `smallest`: side that it takes at least.
    """

    application: str
    preprocessing: str
    input_size: int
    smallest: int
    weights_file: str = ""
    options: tuple[tuple[str, Any], ...] = ()


BACKBONES = {
    "vgg-16": Backbone("VGG16", "caffe", 224, 32),
    "resnet-50": Backbone("ResNet50", "caffe", 224, 32),
    "inception-v3": Backbone("InceptionV3", "signed", 299, 75),
    "inception-resnet-v2": Backbone("InceptionResNetV2", "signed", 299, 75),
    "densenet-201": Backbone("DenseNet201", "torch", 224, 32),
    "efficientnetv2-b0": Backbone("EfficientNetV2B0", "inside", 224, 32, "efficientnetv2-b0_notop.h5"),
    "mobilenetv2-0.35": Backbone(
        "MobileNetV2", "signed", 224, 32, "mobilenet_v2_0.35_224_no_top.h5", (("alpha", 0.35),)
    ),
}


def find_weights(name: str) -> Path | None:
    """Return the ImageNet weights of the backbone `name` under `DERMAPORT_WEIGHTS`, if there."""
    file = BACKBONES[name].weights_file
    default = Path(__file__).resolve().parents[3] / "shared" / "weights"
    path = Path(os.environ.get("DERMAPORT_WEIGHTS") or default) / file
    return path if file and path.is_file() else None


def describe_weights(path: Path | None) -> str:
    """Say where a network starts from: the file and its SHA-256, or random numbers."""
    if path is None:
        return "random"
    blended = path.name.endswith(BLENDED)
    return f"{'' if blended else 'ImageNet, '}{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def build_backbone(name: str, input_size: int | None, weights: Path | None) -> "keras.Model":
    """Build the network `name`: raw RGB in [0, 255] of (n, size, size, 3) to P(malignant) (n, 1).

    The features are averaged over the image; then dropout and one sigmoid, `malignant`. With
    `input_size` None the network takes any size, for training at several. `weights` is a file of
    the backbone without its head, None draws them at random from Keras's global seed. Raises
    ValueError when the file is another network's, OSError when it is missing.
    """
    import keras
    from keras import layers

    backbone = BACKBONES[name]
    shape = (input_size, input_size, 3)
    image = keras.Input(shape, name="image")
    make = find_application(name)
    base = make(
        include_top=False,
        weights=None if weights is None else str(weights),
        input_tensor=_preprocess(image, backbone.preprocessing),
        **dict(backbone.options),
    )
    features = layers.GlobalAveragePooling2D(name="features")(base.output)
    dropped = layers.Dropout(DROPOUT, name="dropout")(features)
    malignant = layers.Dense(1, activation="sigmoid", name="malignant")(dropped)
    return keras.Model(image, malignant, name=name.replace("-", "_").replace(".", "_"))


def find_application(name: str) -> "Callable[..., keras.Model]":
    """Return what builds the backbone `name` in `keras.applications`, its own options left to the caller."""
    import keras

    make: Callable[..., keras.Model] = getattr(keras.applications, BACKBONES[name].application)
    return make


def freeze_statistics(model: "keras.Model") -> None:
    """Keep every batch normalisation as ImageNet left it: small batches would spoil it."""
    from keras import layers

    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _preprocess(image: Any, kind: str) -> Any:
    import numpy as np
    from keras import layers

    if kind == "signed":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="to_signed")(image)
    if kind == "torch":
        unit = layers.Rescaling(1 / 255, name="to_unit")(image)
        return layers.Normalization(mean=_TORCH_MEANS, variance=_TORCH_VARIANCES, name="normalise")(unit)
    if kind == "caffe":
        # Red and blue change places and the means go: a fixed 1x1 convolution does both.
        swap = layers.Conv2D(3, 1, trainable=False, name="to_bgr")
        result = swap(image)
        swap.set_weights([np.eye(3, dtype=np.float32)[::-1].reshape(1, 1, 3, 3), -np.array(_CAFFE_MEANS)])
        return result
    return image
