"""Allow-list of layers: which objects an architecture may name, read before anything is built."""

import json
from typing import Any

from ml.network_files.errors import UnsafeModelError

MODELS = frozenset({"Sequential", "Functional", "Model"})
# Active in training only: at inference the picture passes as it is.
IDLE = frozenset(
    {"Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "ActivityRegularization", "Identity"}
    | {"RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomHeight"}
    | {"RandomWidth", "RandomBrightness", "RandomShear", "RandomHue", "RandomSaturation", "RandomSharpness"}
    | {"RandomPosterization", "RandomColorJitter", "RandomColorDegeneration", "RandomGrayscale"}
    | {"RandomErasing", "RandomGaussianBlur", "RandomInvert", "RandomPerspective"}
)
LAYERS = IDLE | frozenset(
    {
        "InputLayer",
        "Conv2D",
        "DepthwiseConv2D",
        "SeparableConv2D",
        "Dense",
        "Flatten",
        "Reshape",
        "MaxPooling2D",
        "AveragePooling2D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "ZeroPadding2D",
        "Cropping2D",
        "UpSampling2D",
        "BatchNormalization",
        "LayerNormalization",
        "PReLU",
        "ELU",
        "CustomScaleLayer",  # Keras's own, of Inception-ResNet-v2: x + scale * y
        "Resizing",
        "CenterCrop",
        "RandomCrop",  # at inference it crops the middle
        "AutoContrast",
        "Equalization",
        "Solarization",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "Softmax",
        "Rescaling",
        "Normalization",
        "Add",
        "Subtract",
        "Multiply",
        "Average",
        "Maximum",
        "Minimum",
        "Concatenate",
    }
)
# Parts of a layer's configuration: types, initial values, penalties, shapes and wiring.
PARTS = frozenset(
    {
        "DTypePolicy",
        "Policy",
        "PolicyV1",
        "DynamicLossScale",
        "FixedLossScale",
        "GlorotUniform",
        "GlorotNormal",
        "HeUniform",
        "HeNormal",
        "LecunUniform",
        "LecunNormal",
        "VarianceScaling",
        "RandomUniform",
        "RandomNormal",
        "TruncatedNormal",
        "Zeros",
        "Ones",
        "Constant",
        "Orthogonal",
        "OrthogonalInitializer",
        "Identity",
        "MaxNorm",
        "NonNeg",
        "UnitNorm",
        "MinMaxNorm",
        "L1",
        "L2",
        "L1L2",
        "__tuple__",
        "__keras_tensor__",
    }
)
ACTIVATIONS = frozenset(
    {
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "swish",
        "hard_silu",
        "hard_swish",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "softmax",
        "softplus",
    }
)
MODULES = frozenset(
    {
        "keras",
        "keras.layers",
        "keras.models",
        "keras.initializers",
        "keras.regularizers",
        "keras.constraints",
        "keras.dtype_policies",
        "keras.mixed_precision",
        "keras.src.models.sequential",
        "keras.src.models.functional",
        "keras.src.applications.inception_resnet_v2",
        # Keras 2.13 to 2.15, of networks nested in others; an old file is never built from these.
        "keras.src.engine.functional",
        "keras.src.engine.sequential",
        "keras.engine.functional",
        "keras.engine.sequential",
    }
)
MAX_LAYERS = 2_000


def check_config(text: str) -> dict[str, Any]:
    """Return the architecture in `text`, JSON, once every class it names is allowed.

    Raises UnsafeModelError: `config_malformed`, `layer_not_allowed`, `lambda_not_allowed`,
    `module_not_allowed`, `activation_not_allowed` or `too_complex`.
    """
    try:
        config = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnsafeModelError("config_malformed", "Expected JSON, received other text.") from error
    if not isinstance(config, dict) or not _is_among(config.get("class_name"), MODELS):
        raise UnsafeModelError(
            "config_malformed", f"Expected a model of {', '.join(sorted(MODELS))}, received other."
        )
    waiting: list[Any] = [config]
    layers = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            layers += _check_object(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        if layers > MAX_LAYERS:
            raise UnsafeModelError("too_complex", f"Expected at most {MAX_LAYERS} layers, received more.")
    return config


def _check_object(value: dict[str, Any]) -> int:
    """Check one JSON object; returns 1 when it is a layer."""
    name = value.get("class_name")
    if name in ("Lambda", "__lambda__") or "__lambda__" in value:
        raise UnsafeModelError("lambda_not_allowed", "Expected no Lambda layer, which is code, received one.")
    if "class_name" in value and not _is_among(name, MODELS | LAYERS | PARTS):
        raise UnsafeModelError(
            "layer_not_allowed", f"Expected a layer of the allow-list, received {name!r:.80}."
        )
    module = value.get("module")
    if module is not None and not _is_among(module, MODULES):
        raise UnsafeModelError(
            "module_not_allowed", f"Expected Keras's own modules, received {module!r:.80}."
        )
    registered = value.get("registered_name")
    if registered is not None and registered != name:
        raise UnsafeModelError(
            "layer_not_allowed", f"Expected no custom object, received {registered!r:.80}."
        )
    for key, text in value.items():
        if key.endswith("activation") and text is not None and not _is_among(text, ACTIVATIONS):
            raise UnsafeModelError(
                "activation_not_allowed", f"Expected a known activation, received {text!r:.80}."
            )
    return int(_is_among(name, LAYERS))


def _is_among(value: object, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names
