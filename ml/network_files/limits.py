"""Size limits of a network, computed from its architecture before anything is allocated."""

import math
from dataclasses import dataclass
from typing import Any

from ml.network_files.errors import UnsafeModelError
from ml.network_files.layer_shapes import Shape, measure_layer
from ml.network_files.plan import NetworkPlan, plan_network

MAX_PARAMETERS = 250_000_000  # VGG-16 has 138 million
MAX_VALUES = 32_000_000  # of one layer's output for one image; VGG-16 at 224 has 3.2 million
MAX_ALL_VALUES = 1_000_000_000
MAX_SIDE = 2048
ASSUMED_SIDE = 224


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """What a network needs for one image. `outputs`: shape of its output without the batch.

    `weights`: for each layer, by its number in the plan, the shapes of the trained weights and of
    the statistics. `values`: the shape of each value of the plan, the input first.
    """

    parameters: int
    outputs: Shape
    weights: dict[int, tuple[list[Shape], list[Shape]]]
    values: tuple[Shape, ...] = ()


def measure_network(
    config: dict[str, Any], input_size: tuple[int, int] | None = None
) -> tuple[NetworkPlan, NetworkSize]:
    """Plan and measure a scanned architecture, with Python numbers only.

    `input_size`: (height, width) where the file leaves it open, 224 if not given. Raises
    UnsafeModelError `too_large` past the limits of this module, `input_not_supported` for
    anything but RGB images, and the codes of `plan_network` and `measure_layer`.
    """
    plan = plan_network(config)
    shapes: list[Shape] = [fill_input(plan.input_shape, input_size)]
    weights: dict[int, tuple[list[Shape], list[Shape]]] = {}
    total = math.prod(shapes[0])
    for step in plan.steps:
        shape, trained, statistics = measure_layer(
            step.kind, step.config, [shapes[source] for source in step.sources]
        )
        shapes.append(shape)
        known = weights.setdefault(step.layer, (trained, statistics))
        if known != (trained, statistics):
            raise UnsafeModelError(
                "shape_not_possible", "Expected one shape of weights a layer, received two."
            )
        values = math.prod(shape)
        total += values
        parameters = sum(math.prod(one) for both in (trained, statistics) for one in both)
        if parameters > MAX_PARAMETERS or values > MAX_VALUES or total > MAX_ALL_VALUES:
            raise UnsafeModelError(
                "too_large",
                f"Expected at most {MAX_PARAMETERS:,} parameters and {MAX_VALUES:,} values a layer, "
                f"received {parameters:,} and {values:,} in a {step.kind}.",
            )
    count = sum(math.prod(one) for both in weights.values() for part in both for one in part)
    if count > MAX_PARAMETERS:
        raise UnsafeModelError(
            "too_large", f"Expected at most {MAX_PARAMETERS:,} parameters, received {count:,}."
        )
    return plan, NetworkSize(count, shapes[plan.output], weights, tuple(shapes))


def fill_input(declared: tuple[int | None, ...], chosen: tuple[int, int] | None) -> Shape:
    """Return the input's (height, width, 3), open sides from `chosen`."""
    if len(declared) != 3 or declared[2] != 3:
        raise UnsafeModelError(
            "input_not_supported", f"Expected the input (height, width, 3), received {declared!r:.60}."
        )
    sides = chosen or (ASSUMED_SIDE, ASSUMED_SIDE)
    filled = [side if side is not None else sides[i] for i, side in enumerate(declared[:2])]
    if any(
        isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_SIDE for side in filled
    ):
        raise UnsafeModelError(
            "input_not_supported", f"Expected sides of 1 to {MAX_SIDE} pixels, received {filled!r:.60}."
        )
    return (filled[0], filled[1], 3)
