"""The one place that asks a backend for a gradient: TensorFlow, PyTorch or JAX."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
