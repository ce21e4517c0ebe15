"""Network architectures of the paper, by name, each with its parameter count checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

PAPER_INPUT_SIZE = 224
PAPER_CNN_1_PARAMETERS = 6_427_745
PAPER_CNN_2_PARAMETERS = 2_797_665


class ArchitectureError(ValueError):
    """No such architecture, or what was built is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One buildable network: `build(input_size)` returns an uncompiled Keras model.

    `input_size`: side of the square RGB input in pixels. `scaling`: see
    `ml.serving.specification.ModelSpecification`. `parameters`: exact count at `input_size`.
    """

    name: str
    input_size: int
    scaling: str
    parameters: int
    build: "Callable[[int], keras.Model]"


def build_paper_cnn_1(input_size: int = PAPER_INPUT_SIZE) -> "keras.Model":
    """Build the paper's first CNN, input (n, size, size, 3) in [0, 1], output (n, 1) P(malignant).

    Conv 16, 32 of 3x3 with padding, each with ReLU and 2x2 max-pooling; dense 64; one sigmoid:
    exactly 6,427,745 parameters at 224 pixels, all but 5,217 of them in the first dense layer.
    Weights are drawn from Keras's global seed. Raises ArchitectureError when the size is too
    small or the count is off.
    """
    import keras
    from keras import layers

    flat_side = input_size // 4
    if flat_side < 1:
        raise ArchitectureError(f"Expected an input of at least 4 pixels, received {input_size}.")
    model = keras.Sequential(
        [
            keras.Input((input_size, input_size, 3), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_1"),
            layers.Dense(1, activation="sigmoid", name="malignant"),
        ],
        name="paper_cnn_1",
    )
    convolutions = (3 * 9 + 1) * 16 + (16 * 9 + 1) * 32
    expected = convolutions + (flat_side**2 * 32 + 1) * 64 + 65
    check_parameters(model, PAPER_CNN_1_PARAMETERS if input_size == PAPER_INPUT_SIZE else expected)
    return model


def build_paper_cnn_2(input_size: int = PAPER_INPUT_SIZE) -> "keras.Model":
    """Build the paper's second CNN, input (n, size, size, 3) in [0, 1], output (n, 1) P(malignant).

    Conv 32, 32, 64 of 3x3 without padding, each with ReLU and 2x2 max-pooling; dense 64; dropout
    0.5; one sigmoid: exactly 2,797,665 parameters at 224 pixels. Weights are drawn from Keras's
    global seed. Raises ArchitectureError when the size is too small or the count is off.
    """
    import keras
    from keras import layers

    flat_side = _shrink(_shrink(_shrink(input_size)))
    if flat_side < 1:
        raise ArchitectureError(f"Expected an input of at least 22 pixels, received {input_size}.")
    model = keras.Sequential(
        [
            keras.Input((input_size, input_size, 3), name="image"),
            layers.Conv2D(32, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Conv2D(32, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, name="pool_2"),
            layers.Conv2D(64, 3, activation="relu", name="conv_3"),
            layers.MaxPooling2D(2, name="pool_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_1"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(1, activation="sigmoid", name="malignant"),
        ],
        name="paper_cnn_2",
    )
    convolutions = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 32 + (32 * 9 + 1) * 64
    expected = convolutions + (flat_side**2 * 64 + 1) * 64 + 65
    check_parameters(model, PAPER_CNN_2_PARAMETERS if input_size == PAPER_INPUT_SIZE else expected)
    return model


def check_parameters(model: "keras.Model", expected: int) -> None:
    """Raise ArchitectureError unless `model` has exactly `expected` parameters."""
    received = model.count_params()
    if received != expected:
        raise ArchitectureError(f"{model.name}: expected {expected:,} parameters, received {received:,}.")


def find_architecture(name: str) -> Architecture:
    """Return the architecture called `name`; raises ArchitectureError naming the known ones."""
    if name not in ARCHITECTURES:
        raise ArchitectureError(
            f"Expected an architecture among {', '.join(sorted(ARCHITECTURES))}, received {name!r}."
        )
    return ARCHITECTURES[name]


def _shrink(side: int) -> int:
    """Return the side after one 3x3 convolution without padding and one 2x2 pooling."""
    return (side - 2) // 2


ARCHITECTURES = {
    "paper-cnn-1": Architecture(
        "paper-cnn-1", PAPER_INPUT_SIZE, "unit", PAPER_CNN_1_PARAMETERS, build_paper_cnn_1
    ),
    "paper-cnn-2": Architecture(
        "paper-cnn-2", PAPER_INPUT_SIZE, "unit", PAPER_CNN_2_PARAMETERS, build_paper_cnn_2
    ),
}
