"""Explanation of a network's figure: HiResCAM on its last convolutional feature map.

HiResCAM (Draelos and Carin 2020, arXiv:2011.08891) multiplies each value of the last feature map
with the gradient of the logit at that very place and sums over channels. For a network that pools
its map (GAP and a linear layer) this is CAM (Zhou 2016) and, but for its rectifier, Grad-CAM
(Selvaraju 2017). For one that flattens its map, Grad-CAM averages gradients over places that the
network weighs differently and can mark places that were not used; HiResCAM does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.explanation.passes import PassStep, ends_in_probabilities, record_pass, resume_pass
from ml.imaging.views import restore_view

if TYPE_CHECKING:
    import keras


class GradientError(RuntimeError):
    """Keras runs on a backend that this module has no gradient for."""


def differentiate(function: Callable[[Any], Any], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gradient of `sum(function(values))` by `values`, float32 of the same shape.

    `function` takes and returns a tensor of the running backend and is made of Keras operations.
    Its own variables are read and never written. Raises GradientError for an unknown backend.
    """
    import keras

    name = keras.backend.backend()
    finders = {"tensorflow": _by_tensorflow, "torch": _by_torch, "jax": _by_jax}
    if name not in finders:
        raise GradientError(f"Expected a backend among {', '.join(sorted(finders))}, received {name!r}.")
    gradient = finders[name](function, values)
    return np.asarray(keras.ops.convert_to_numpy(gradient), dtype=np.float32)


def _by_tensorflow(function: Callable[[Any], Any], values: NDArray[np.float32]) -> Any:
    import tensorflow as tf

    tensor = tf.convert_to_tensor(values)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(function(tensor))
    return tape.gradient(total, tensor, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _by_torch(function: Callable[[Any], Any], values: NDArray[np.float32]) -> Any:
    import keras
    import torch

    # A tensor of Keras, so that it lies on the device of the network.
    tensor = keras.ops.convert_to_tensor(values).detach().requires_grad_(True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(function(tensor).sum(), [tensor], allow_unused=True)
    return torch.zeros_like(tensor) if gradient is None else gradient


def _by_jax(function: Callable[[Any], Any], values: NDArray[np.float32]) -> Any:
    import jax

    return jax.grad(lambda tensor: function(tensor).sum())(jax.numpy.asarray(values))


# --- The map

METHOD = "HiResCAM"
_SMALLEST = 1e-6


class ExplanationError(ValueError):
    """The network has no convolutional feature map to explain by."""


@dataclass(frozen=True, slots=True)
class EvidenceMap:
    """What each place of one picture adds to the logit (log-odds) of P(malignant).

    `cells`: float32 (rows, columns), one value a cell of the feature map, in logits; above zero
    speaks for malignant, below zero against it. For a pooled network they add up to the logit
    less its bias. `logit`: of the whole picture. `layer`: whose output the feature map is.
    `size`: the network's input, (height, width).
    """

    cells: NDArray[np.float32]
    logit: float
    layer: str
    size: tuple[int, int]

    @property
    def malignant(self) -> NDArray[np.float32]:
        """Evidence for malignant, float32 (height, width) in [0, 1], on one scale with `benign`."""
        return np.maximum(self.draw(self.size), np.float32(0))

    @property
    def benign(self) -> NDArray[np.float32]:
        """Evidence against malignant, float32 (height, width) in [0, 1]."""
        return np.maximum(-self.draw(self.size), np.float32(0))

    def draw(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the cells at `size`, (height, width), bilinear, float32 in [-1, 1].

        The strongest place, of either sign, has the value 1 or -1; all zero where the network's
        answer depends on no place.
        """
        height, width = size
        picture = Image.fromarray(self.cells).resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(picture, dtype=np.float32)
        largest = np.abs(values).max(initial=0.0)
        return values / largest if largest > 0 else np.zeros_like(values)


def explain_images(
    network: "keras.Model",
    inputs: NDArray[np.float32],
    *,
    malignant: Sequence[int] = (0,),
    gives_logits: bool = False,
) -> list[EvidenceMap]:
    """Explain P(malignant) of each of `inputs`, float32 (n, height, width, 3), scaled as trained.

    `malignant`: the output columns that count as malignant; with one sigmoid, its only column.
    `gives_logits`: whether the network has no sigmoid or softmax at its end. The network is only called:
    weights, flags and compiled passes stay as they are. Raises ExplanationError when no convolution leaves a
    map of more than one place.
    """
    import keras

    steps = record_pass(network, inputs)
    place = find_feature_map(steps)
    features = np.asarray(keras.ops.convert_to_numpy(steps[place].output), dtype=np.float32)
    are_logits = gives_logits or ends_in_probabilities(steps)

    def find_logits(output: Any) -> Any:
        outputs = resume_pass(network, inputs, steps, place, output)
        return take_logit(outputs, malignant, are_logits=are_logits)

    gradient = differentiate(find_logits, features)
    cells = (gradient * features).sum(axis=-1, dtype=np.float32)
    logits = keras.ops.convert_to_numpy(find_logits(keras.ops.convert_to_tensor(features)))
    size = (int(inputs.shape[1]), int(inputs.shape[2]))
    layer = str(steps[place].operation.name)
    return [
        EvidenceMap(np.ascontiguousarray(one), float(logit), layer, size)
        for one, logit in zip(cells, logits, strict=True)
    ]


def average_explanations(found: Sequence[EvidenceMap], views: Sequence[str]) -> EvidenceMap:
    """Return the mean of one image's explanations in `views` (`ml.imaging.views`), each turned back first.

    The logit averaged over views is the sum of its parts, so the mean of the maps is its map.
    """
    upright = [
        restore_view(one.cells[..., None], view)[..., 0] for one, view in zip(found, views, strict=True)
    ]
    logit = float(np.mean([one.logit for one in found]))
    return replace(found[0], cells=np.mean(upright, axis=0, dtype=np.float32), logit=logit)


def find_feature_map(steps: Sequence[PassStep]) -> int:
    """Return the number of the last step that leaves (n, rows, columns, channels) after a convolution.

    Maps of one place (pooled with their axes kept) don't count. Raises ExplanationError.
    """
    convolved = False
    found = None
    for number, step in enumerate(steps):
        convolved = convolved or "Conv" in type(step.operation).__name__
        shape = tuple(getattr(step.output, "shape", ()))
        if convolved and len(shape) == 4 and shape[1] > 1 and shape[2] > 1:
            found = number
    if found is None or found == len(steps) - 1:
        raise ExplanationError("Expected a convolutional feature map before the output, received none.")
    return found


def take_logit(outputs: Any, malignant: Sequence[int], *, are_logits: bool) -> Any:
    """Return the log-odds of malignant, tensor (n,), of a network's `outputs`, tensor (n, columns).

    `are_logits`: whether `outputs` stand before the sigmoid or softmax; probabilities otherwise.
    """
    from keras import ops

    if not are_logits:
        shares = ops.clip(outputs, _SMALLEST, 1.0 - _SMALLEST)
        outputs = ops.log(shares)
        if outputs.shape[-1] == 1:
            outputs = outputs - ops.log1p(-shares)
    if outputs.shape[-1] == 1:
        return outputs[:, 0]
    rest = [column for column in range(outputs.shape[-1]) if column not in set(malignant)]
    return ops.logsumexp(ops.take(outputs, list(malignant), axis=-1), axis=-1) - ops.logsumexp(
        ops.take(outputs, rest, axis=-1), axis=-1
    )
