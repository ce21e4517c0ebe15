"""Output head: what the last layers make of the numbers, read from the architecture; and what came out.

A head is `sigmoid`, `softmax` or `linear` (logits), or an activation that makes neither. Layers that
only carry numbers on (dropout, flatten, reshape) and the mean of several heads don't change it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.network_files.config_scan import IDLE
from ml.network_files.errors import UnsafeModelError
from ml.network_files.limits import NetworkSize
from ml.network_files.plan import NetworkPlan, PlanStep

PROBABILITIES = frozenset({"sigmoid", "hard_sigmoid", "softmax"})
HEADS = PROBABILITIES | {"linear"}
OTHER = "other"
_CARRIERS = IDLE | {"Flatten", "Reshape"}
_MEANS = frozenset({"Average", "GlobalAveragePooling2D", "AveragePooling2D"})
_CHOICES = frozenset({"Maximum", "Minimum", "GlobalMaxPooling2D", "MaxPooling2D"})
# A layer whose own kind is an activation that makes no probability.
_ACTIVATIONS = frozenset({"ReLU", "LeakyReLU", "PReLU", "ELU"})
# Less than this is rounding.
LEAST_SPREAD = 1e-6


# Layers whose sums of weighted inputs are numbers of a new kind.
_WEIGHING = frozenset({"Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D"})


def find_head(plan: NetworkPlan) -> str:
    """Return one of `HEADS`, or the name of an activation that is none of them, `other` for a mixture."""
    # Each value after its sources: asked backwards, a few dozen means of one value would take for ever.
    heads = ["linear"]
    for step in plan.steps:
        heads.append(_find(step, {heads[source] for source in step.sources}))
    return heads[plan.output]


def _find(step: PlanStep, sources: set[str]) -> str:
    """What one layer makes of values of these heads."""
    name = str(step.config.get("activation") or "linear")
    head = next(iter(sources)) if len(sources) == 1 else OTHER
    if step.kind == "Softmax":
        return "softmax" if step.config.get("axis", -1) in (-1, [-1]) else OTHER
    if step.kind in _ACTIVATIONS:
        return "relu"
    if step.kind == "Activation":
        return head if name == "linear" else name
    if step.kind in _CARRIERS | _MEANS | _CHOICES | {"Concatenate"}:
        keeps_sums = step.kind in _CARRIERS | _MEANS
        return OTHER if head == "softmax" and not keeps_sums else head
    if name == "linear" and step.kind not in _WEIGHING and sources <= PROBABILITIES:
        return OTHER  # probabilities that were scaled, shifted or multiplied are no logits
    return name


def check_head(plan: NetworkPlan, size: NetworkSize) -> None:
    """Refuse a head whose numbers are no probabilities or logits of classes that exclude each other.

    Raises UnsafeModelError `output_not_supported` for anything but a row of numbers an image,
    `head_not_supported`, `softmax_of_one` (always 1), or `head_not_exclusive` for several sigmoids.
    """
    if len(size.outputs) != 1:
        raise UnsafeModelError(
            "output_not_supported",
            f"Expected one row of outputs an image, received the shape {size.outputs!r:.60}.",
        )
    head, outputs = find_head(plan), size.outputs[0]
    if head not in HEADS:
        raise UnsafeModelError(
            "head_not_supported",
            f"Expected a sigmoid, a softmax or logits at the end, received {head!r:.60}.",
        )
    if head == "softmax":
        units = _count_units(plan, size)
        if units == {1}:
            raise UnsafeModelError(
                "softmax_of_one",
                "Expected a softmax over two outputs or more, received one of a single output: it says 1 "
                "of every image. A single output needs a sigmoid.",
            )
        if units != {outputs}:
            raise UnsafeModelError(
                "head_not_supported",
                f"Expected a softmax over the {outputs} outputs, received one over {sorted(units)}.",
            )
    elif head != "linear" and outputs > 1:
        raise UnsafeModelError(
            "head_not_exclusive",
            f"Expected a softmax for {outputs} outputs, received sigmoids, which need not add up to 1.",
        )


def _count_units(plan: NetworkPlan, size: NetworkSize) -> set[int]:
    """Over how many outputs each softmax of the head is taken."""
    found, seen, waiting = set(), set(), [plan.output]
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        step = plan.steps[value - 1]
        if step.kind in _CARRIERS | _MEANS or (
            step.kind == "Activation" and (step.config.get("activation") or "linear") == "linear"
        ):
            waiting.extend(step.sources)
        else:
            found.add(size.values[value][-1])
    return found


def check_outputs(outputs: ArrayLike, head: str) -> None:
    """Refuse what a network said of pictures that have nothing in common, shape (n, columns).

    Raises UnsafeModelError `outputs_not_finite`, `outputs_no_probabilities`, or `tells_nothing_apart`
    when it says the same of all of them.
    """
    values: NDArray[Any] = np.asarray(outputs, dtype=np.float64)
    if not np.all(np.isfinite(values)):
        raise UnsafeModelError("outputs_not_finite", "Expected finite outputs, received others.")
    if head in PROBABILITIES:
        sums = values.sum(axis=1) if values.shape[1] > 1 else np.ones(len(values))
        if np.any(values < 0) or np.any(values > 1) or np.any(np.abs(sums - 1) > 1e-3):
            raise UnsafeModelError(
                "outputs_no_probabilities", "Expected probabilities that add up to 1, received others."
            )
    if float(np.ptp(values, axis=0).max()) < LEAST_SPREAD:
        said = ", ".join(f"{number:.4g}" for number in values[0][:3])
        raise UnsafeModelError(
            "tells_nothing_apart",
            f"Expected different outputs for different pictures, received {said} for each of {len(values)} "
            "drawn ones. Scaling may be another, or the network has learned nothing.",
        )
