"""Inference with a loaded network: fixed batch shapes, one compiled pass each, P(malignant) out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.explanation.faithfulness import redraw_weights
from ml.explanation.hirescam import EvidenceMap, average_explanations, explain_images
from ml.gates.domain import load_ground
from ml.imaging.views import average_views, change_view
from ml.network_files.loading import load_network, run_once
from ml.serving.device import configure_devices
from ml.serving.diagnoses import average_classes
from ml.serving.heads import (
    PredictionError,
    check_network,
    find_columns,
    make_floats,
    read_classes,
    read_malignant,
)
from ml.serving.specification import ModelSpecification

if TYPE_CHECKING:
    import keras

# Only these batch sizes reach the network, so each is compiled once and never again. On a CPU an
# image costs nearly the same in any of them (6.4 ms alone, 5.4 ms in 64, for the paper's CNN-2),
# so padding is worth little and is kept under a quarter.
__all__ = ["BATCH_SHAPES", "Measured", "PredictionError", "Predictor", "choose_shapes"]

BATCH_SHAPES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of n images: raw P(malignant), float64 (n,), and how far each is from what the network learned from.

    `distances` float64 (n,) of `ml.gates.domain.GroundStatistics`, None for a network without them. `classes`
    float64 (n, classes): the raw probability of each diagnosis, None for a network that names none.
    """

    probabilities: NDArray[np.float64]
    distances: NDArray[np.float64] | None
    classes: NDArray[np.float64] | None = None


class Predictor:
    """One network ready to predict, in one process and one thread.

    Build it after the fork: it configures the device and loads the file. Raises
    `ml.network_files.loading.UnsafeModelError` for a file that must not be loaded, PredictionError for one
    whose input, output or parameter count is not the specified one, and `ml.gates.specification.GateError` for
    statistics of its ground that are missing or not the ones specified.
    """

    def __init__(self, specification: ModelSpecification, path: str | os.PathLike[str]) -> None:
        self.specification = specification
        self.device = configure_devices()
        self._network = load_network(path, sha256=specification.sha256, input_size=specification.input_size)
        check_network(self._network, specification)
        self._ground = load_ground(specification.ground, Path(path).parent) if specification.ground else None
        self._outputs = self._open_outputs()

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return raw P(malignant) in [0, 1], float64 (n,), of uint8 RGB images (height, width, 3).

        Averaged over the specification's views, on the logit scale. Any n, also 0. An image's value does not depend on the others beyond rounding (1e-6).
        Raises PredictionError when an image has another shape or type.
        """
        return self.measure(images).probabilities

    def measure(self, images: Sequence[NDArray[np.uint8]]) -> Measured:
        """Return what `predict` returns and the images' distances, of the same pass over the network."""
        self._check_images(images)
        names = self.specification.names_diagnoses
        results = np.empty((2 + len(self.specification.classes) * names, len(images)), dtype=np.float64)
        start = 0
        for shape in choose_shapes(len(images)):
            part = images[start : start + shape]
            results[:, start : start + len(part)] = self._measure_batch(part, shape)
            start += shape
        distances = None if self._ground is None else results[1]
        return Measured(results[0], distances, results[2:].T if names else None)

    def run(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the network's own outputs, (n, columns), of `images` as `predict` takes them, in one view.

        Uncompiled: for a few images once. Raises `ml.network_files.loading.UnsafeModelError` (not_runnable).
        """
        self._check_images(images)
        return run_once(self._network, make_floats(np.stack(images), self.specification))

    def explain(self, image: NDArray[np.uint8]) -> EvidenceMap:
        """Say where in `image`, uint8 RGB (height, width, 3), its P(malignant) comes from.

        The figure is an average of logits over the specification's views, and so is the map. Costs about as much as a prediction of one image, uncompiled, and leaves the network as it
        is. Raises PredictionError as `predict` does and `ml.explanation.hirescam.ExplanationError`.
        """
        return self._explain_by(self._network, image)

    def explain_redrawn(self, image: NDArray[np.uint8], *, seed: int) -> EvidenceMap:
        """Return what `explain` gives for the same architecture with weights drawn anew.

        A control: its maps must look otherwise. Sets Keras's global seed; raises as `explain`.
        """
        return self._explain_by(redraw_weights(self._network, seed), image)

    def warm_up(self, shapes: Sequence[int] = BATCH_SHAPES) -> None:
        """Compile the pass for each batch shape, so that the first patient does not wait."""
        blank = np.zeros((*self.specification.input_size, 3), dtype=np.uint8)
        for shape in shapes:
            self.predict([blank] * shape)

    def _explain_by(self, network: "keras.Model", image: NDArray[np.uint8]) -> EvidenceMap:
        self._check_images([image])
        views = self.specification.views
        batch = np.stack([change_view(image, view) for view in views])
        inputs = make_floats(batch, self.specification)
        columns = find_columns(self.specification, network.output_shape[-1])
        gives_logits = self.specification.output == "logits"
        found = explain_images(network, inputs, malignant=columns or (0,), gives_logits=gives_logits)
        if not columns:  # one output that says P(benign): what speaks for it speaks against malignant
            found = [replace(one, cells=-one.cells, logit=-one.logit) for one in found]
        return average_explanations(found, views)

    def _check_images(self, images: Sequence[NDArray[np.uint8]]) -> None:
        expected = (*self.specification.input_size, 3)
        for image in images:
            if image.shape != expected or image.dtype != np.uint8:
                raise PredictionError(
                    f"Expected images uint8 {expected}, received {image.dtype} {image.shape}."
                )

    def _open_outputs(self) -> "keras.Model":
        """Return the network, giving also the features that its ground is of, if it has one."""
        if self._ground is None:
            return self._network
        import keras

        name = self.specification.ground["layer"]
        if name not in [layer.name for layer in self._network.layers]:
            raise PredictionError(f"Expected the layer {name!r} that the ground is of, received none.")
        features = self._network.get_layer(name).output
        return keras.Model(self._network.inputs, [self._network.outputs[0], features])

    def _measure_batch(self, images: Sequence[NDArray[np.uint8]], shape: int) -> NDArray[np.float64]:
        """Return P(malignant) over all views, the distance of the plain one, and each diagnosis if named, (rows, n)."""
        batch = np.zeros((shape, *self.specification.input_size, 3), dtype=np.uint8)
        np.stack(images, out=batch[: len(images)])
        values = np.stack([self._run_view(batch, view) for view in self.specification.views])
        rows = [average_views(values[:, 0]), values[0, 1]]
        if self.specification.names_diagnoses:
            rows.extend(average_classes(np.moveaxis(values[:, 2:], 1, 2)).T)
        return np.stack(rows)[:, : len(images)]

    def _run_view(self, batch: NDArray[np.uint8], view: str) -> NDArray[np.float64]:
        inputs = make_floats(change_view(batch, view), self.specification)
        found = self._outputs.predict_on_batch(inputs)
        output = np.asarray(found if self._ground is None else found[0])
        probabilities = read_malignant(output, self.specification)
        distances = np.zeros_like(probabilities)
        if self._ground is not None:
            distances = self._ground.measure(np.asarray(found[1], dtype=np.float32))
        rows = [probabilities, distances]
        if self.specification.names_diagnoses:
            rows.extend(read_classes(output, self.specification).T)
        return np.stack(rows)


def choose_shapes(count: int) -> list[int]:
    """Return the batch sizes, out of BATCH_SHAPES, that together hold `count` images.

    Only the last may be larger than what is left for it, and then by at most a quarter.
    """
    shapes: list[int] = []
    while count > 0:
        above = next((size for size in BATCH_SHAPES if size >= count), BATCH_SHAPES[-1])
        if above - count > above // 4:
            above = max(size for size in BATCH_SHAPES if size <= count)
        shapes.append(above)
        count -= above
    return shapes
