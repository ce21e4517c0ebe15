"""Forward pass recorded operation by operation, and resumed, without touching the network.

Keras can cut a network in two by building models on its inner tensors, but that writes new nodes
into the layers that are being served. Here the layers are only called, as prediction does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Call = Callable[..., Any]
_TO_PROBABILITIES = ("sigmoid", "softmax")


@dataclass(frozen=True, slots=True)
class PassStep:
    """One operation of a pass that holds no others: what ran and the tensor that came out."""

    operation: Any
    output: Any


def record_pass(network: "keras.Model", inputs: NDArray[np.float32]) -> list[PassStep]:
    """Run `inputs`, float32 (n, height, width, 3), through `network` and return its steps in order.

    Nested networks are opened. Inference mode: no dropout, batch normalisation by its averages.
    """
    import keras

    steps: list[PassStep] = []

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        steps.append(PassStep(operation, operation(*args, **kwargs)))
        return steps[-1].output

    _run(network, keras.ops.convert_to_tensor(inputs), call)
    return steps


def resume_pass(
    network: "keras.Model", inputs: NDArray[np.float32], steps: list[PassStep], start: int, output: Any
) -> Any:
    """Return what `network` gives before its last activation had step `start` given `output`.

    Steps before `start` are taken from `steps`, a recording of the same `inputs`; the result is a
    tensor (n, outputs): logits where the network ends in a sigmoid or softmax, free of their
    saturation.
    """
    import keras

    number = -1

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal number
        number += 1
        if number < start:
            return steps[number].output
        if number == start:
            return output
        if number == len(steps) - 1:
            return _stop_before_activation(operation, *args, **kwargs)
        return operation(*args, **kwargs)

    return _run(network, keras.ops.convert_to_tensor(inputs), call)


def ends_in_probabilities(steps: list[PassStep]) -> bool:
    """Whether the last step of a pass applies a sigmoid or softmax, which `resume_pass` leaves out."""
    return _last_activation(steps[-1].operation) in _TO_PROBABILITIES


def _run(network: Any, tensor: Any, call: Call) -> Any:
    """Call every operation of `network` through `call`, opening the networks inside it."""
    import keras

    if isinstance(network, keras.Sequential):
        for layer in network.layers:
            tensor = _enter(layer, call)(tensor)
        return tensor
    return network._run_through_graph(  # noqa: SLF001 - the same walk that Keras's own call takes
        tensor, operation_fn=lambda operation: _enter(operation, call)
    )


def _enter(operation: Any, call: Call) -> Call:
    import keras

    def run(*args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Sequential | keras.Function):
            return _run(operation, args[0], call)
        if "training" in kwargs:
            kwargs["training"] = False
        return call(operation, *args, **kwargs)

    return run


def _last_activation(operation: Any) -> str:
    import keras

    if isinstance(operation, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(operation, "activation", None), "__name__", "")


def _stop_before_activation(operation: Any, *args: Any, **kwargs: Any) -> Any:
    import keras

    if _last_activation(operation) not in _TO_PROBABILITIES:
        return operation(*args, **kwargs)
    if isinstance(operation, keras.layers.Dense):
        logits = keras.ops.matmul(args[0], operation.kernel)
        return logits if operation.bias is None else keras.ops.add(logits, operation.bias)
    return args[0]
