"""Input scaling and output heads: pixels to the floats a network takes, its output to P(malignant)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.imaging.inputs import scale_pixels
from ml.serving.specification import ModelSpecification

if TYPE_CHECKING:
    import keras


class PredictionError(ValueError):
    """The images or the network do not fit the specification."""


def make_floats(pixels: NDArray[np.uint8], specification: ModelSpecification) -> NDArray[np.float32]:
    """Return RGB `pixels`, uint8 (n, height, width, 3), scaled and in the network's colour order."""
    values = scale_pixels(pixels, specification.scaling)
    return np.ascontiguousarray(values[..., ::-1]) if specification.colour_order == "bgr" else values


def read_malignant(output: NDArray[Any], specification: ModelSpecification) -> NDArray[np.float64]:
    """Return P(malignant) in [0, 1], float64 (n,), of a network's `output`, (n, columns).

    One column is P(second class), or its logit; more are one class each, of which the declared
    malignant ones are added. Raises PredictionError as `read_classes`.
    """
    values = read_classes(output, specification)
    columns = list(find_columns(specification, values.shape[1]))
    if values.shape[1] == 1:
        return values[:, 0] if columns else 1.0 - values[:, 0]
    result: NDArray[np.float64] = np.clip(values[:, columns].sum(axis=1), 0.0, 1.0)
    return result


def read_classes(output: NDArray[Any], specification: ModelSpecification) -> NDArray[np.float64]:
    """Return a network's `output`, (n, columns), as probabilities in [0, 1], float64 of the same shape.

    Raises PredictionError when the values are no probabilities, or when those of several classes do not add up to 1.
    """
    values = np.asarray(output, dtype=np.float64)
    if specification.output == "logits":
        values = _to_probabilities(values)
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise PredictionError("Expected probabilities in [0, 1], received others.")
    if values.shape[1] > 1 and np.any(np.abs(values.sum(axis=1) - 1.0) > 1e-3):
        raise PredictionError("Expected probabilities that add up to 1, received others.")
    return values


def find_columns(specification: ModelSpecification, outputs: int) -> tuple[int, ...]:
    """Return the columns that count as malignant; none for one output that is P(benign)."""
    if outputs == 1:
        return (0,) if specification.classes[1] in specification.malignant_classes else ()
    return tuple(specification.classes.index(name) for name in specification.malignant_classes)


def check_network(network: "keras.Model", specification: ModelSpecification) -> None:
    """Raise PredictionError when the network is not the specified one: size, input or output."""
    parameters = network.count_params()
    if parameters != specification.parameters:
        raise PredictionError(f"Expected {specification.parameters:,} parameters, received {parameters:,}.")
    expected = (None, *specification.input_size, 3)
    received = tuple(network.input_shape)
    if len(received) != 4 or any(
        have not in (None, want) for have, want in zip(received, expected, strict=True)
    ):
        raise PredictionError(f"Expected the input {expected}, received {network.input_shape}.")
    classes, outputs = specification.classes, tuple(network.output_shape)
    if outputs != (None, len(classes)) and not (outputs == (None, 1) and len(classes) == 2):
        raise PredictionError(
            f"Expected one output a class, or one for two classes, received the output {outputs} "
            f"for {', '.join(classes)}."
        )


def _to_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    if logits.shape[1] == 1:
        single: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits))
        return single
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shared: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return shared
