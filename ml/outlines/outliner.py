"""Outlining: a registered network's file and a picture's bytes to one polygon and its measures."""

import os
import tempfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.digests import digest_bytes
from ml.imaging.decoding import DEFAULT_MAX_PIXELS, decode_image, to_array
from ml.imaging.dicom.facts import read_pixel_side
from ml.imaging.inputs import scale_pixels
from ml.network_files.drawn_pictures import draw_pictures
from ml.network_files.errors import UnsafeModelError
from ml.network_files.head import check_outputs, find_head
from ml.network_files.loading import load_network, run_once
from ml.network_files.model_file import read_model_file
from ml.network_files.scan import ScannedNetwork, scan_file
from ml.outlines.measures import Measures, measure_outline
from ml.outlines.shape import Mask, Points, find_region, fit_grid
from ml.outlines.specification import OutlineSpecification
from ml.serving.device import configure_devices

if TYPE_CHECKING:
    import keras

_LEAST_CELLS: Final = 16
# A polygon's points are kept as whole numbers: this many make the picture's width, or its height.
UNITS: Final = 10_000


class NoLesionError(ValueError):
    """The network found no lesion in the picture: nothing to outline or measure."""


@dataclass(frozen=True, slots=True)
class LesionOutline:
    """One lesion's outline in one picture.

    `mask`: bool (h, w), on a grid of the picture's proportions; `points`: float64 (n, 2), (x, y) in its pixels.
    `seconds`: that the network and the measures took.
    """

    mask: Mask = field(repr=False)
    points: Points = field(repr=False)
    measures: Measures
    seconds: float

    def list_points(self) -> list[list[int]]:
        """Return the polygon as [x, y] in UNITS of the picture's width and height."""
        height, width = self.mask.shape
        scaled = np.rint(self.points / (width, height) * UNITS).astype(int)
        return [[int(x), int(y)] for x, y in scaled]

    def encode_mask(self) -> bytes:
        """Return the mask as a PNG of one bit a pixel, some hundred bytes."""
        stream = BytesIO()
        Image.fromarray(self.mask).convert("1").save(stream, format="PNG", optimize=True)
        return stream.getvalue()


class Outliner:
    """One network that outlines, ready in one process and one thread; build it after the fork.

    Raises `ml.network_files.errors.UnsafeModelError` for a file that must not be loaded or answers with no mask.
    """

    def __init__(self, specification: OutlineSpecification, path: str | os.PathLike[str]) -> None:
        self.specification = specification
        self.device = configure_devices()
        self._network = load_network(path, sha256=specification.sha256, input_size=specification.input_size)
        check_mask_shape(tuple(self._network.output_shape[1:]))

    def find_probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return P(lesion), float32 (n, h, w), of pictures uint8 RGB (n, height, width, 3) of the network's size."""
        expected = (*self.specification.input_size, 3)
        if pixels.shape[1:] != expected or pixels.dtype != np.uint8:
            raise ValueError(
                f"Expected pictures uint8 {expected}, received {pixels.dtype} {pixels.shape[1:]}."
            )
        found = self._network.predict_on_batch(scale_pixels(pixels, self.specification.scaling))
        return np.asarray(found, dtype=np.float32)[..., 0]

    def outline(self, image: Image.Image, *, millimetres: float | None = None) -> LesionOutline:
        """Outline the lesion in an RGB `image`; `millimetres`: side of one of its pixels, where known.

        Raises NoLesionError where the network marks nothing of some size.
        """
        started = time.perf_counter()
        squashed = to_array(image, self.specification.input_size)
        size = fit_grid(image.size)
        mask = find_region(self.find_probabilities(squashed[None])[0], size)
        if not mask.any():
            raise NoLesionError("No lesion stands out from the skin in this picture, so none is outlined.")
        scale = None if millimetres is None else millimetres * max(image.size) / max(size)
        points, measures = measure_outline(mask, to_array(image, size[::-1]), millimetres=scale)
        return LesionOutline(mask, points, measures, time.perf_counter() - started)


def outline_file(outliner: Outliner, data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> LesionOutline:
    """Outline the lesion in a picture file's bytes; millimetres are known where a DICOM file says its pixel spacing.

    Raises NoLesionError and `ml.imaging.errors.UndecodableImageError`.
    """
    return outliner.outline(decode_image(data, max_pixels=max_pixels), millimetres=read_pixel_side(data))


def mark_drawn(outliner: Outliner) -> list[float]:
    """Return the mean P(lesion) of each drawn picture (`ml.network_files.drawn_pictures`): golden outputs of a network."""
    found = outliner.find_probabilities(draw_pictures(outliner.specification.input_size))
    return [round(float(value), 5) for value in found.mean(axis=(1, 2))]


# --- Registration


@dataclass(frozen=True, slots=True)
class OutlineDeclaration:
    """What no file says of a network that outlines: fields of OutlineSpecification.

    `input_size`: (height, width) where the file leaves it open.
    """

    scaling: str
    input_size: tuple[int, int] | None = None
    name: str = ""
    version: str = "1"
    licence: str = "not stated"


@dataclass(frozen=True, slots=True)
class PreparedOutliner:
    """The bytes to serve and their specification."""

    data: bytes
    specification: OutlineSpecification


def prepare_outliner(path: str | os.PathLike[str], declared: OutlineDeclaration) -> PreparedOutliner:
    """Scan a network file, load it, and show it the drawn pictures.

    Raises UnsafeModelError with the codes of `ml.network_files.model_file`, `ml.network_files.scan`,
    `ml.network_files.loading` and `ml.network_files.head.check_outputs`, and `output_not_outline`, `keras_too_old`,
    `input_size_missing`; OutlineSpecificationError for an impossible declaration.
    """
    data = read_model_file(path)
    with tempfile.TemporaryDirectory(prefix="dermaport-outliner-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        scanned = scan_file(copy, declared.input_size)
        _check_scanned(scanned, declared)
        height, width = scanned.size_of_input(declared.input_size)
        sha256 = digest_bytes(data)
        specification = OutlineSpecification(
            name=declared.name or f"outline-{sha256[:8]}",
            version=declared.version,
            file=f"registered-{sha256[:32]}.h5",
            sha256=sha256,
            architecture="registered",
            parameters=scanned.size.parameters,
            input_height=height,
            input_width=width,
            scaling=declared.scaling,
            licence=declared.licence,
        )
        network = load_network(copy, sha256=sha256, input_size=specification.input_size)
        _try_out(network, specification)
    return PreparedOutliner(data, specification)


def check_mask_shape(outputs: tuple[Any, ...]) -> None:
    """Refuse outputs, without the batch, that are no mask; raises UnsafeModelError `output_not_outline`."""
    if len(outputs) != 3 or outputs[2] != 1 or min(outputs[:2]) < _LEAST_CELLS:
        raise UnsafeModelError(
            "output_not_outline",
            f"Expected one probability a pixel, (height, width, 1) of at least {_LEAST_CELLS} by {_LEAST_CELLS}, "
            f"received the shape {outputs!r:.60}. A network that gives a verdict registers without --kind outline.",
        )


def _check_scanned(scanned: ScannedNetwork, declared: OutlineDeclaration) -> None:
    if scanned.is_old:
        raise UnsafeModelError(
            "keras_too_old",
            f"Expected a file of Keras 3, received one of Keras {scanned.keras_version or 'unknown'}. "
            "Load it there and save it as .h5 with Keras 3.",
        )
    if None in scanned.plan.input_shape and declared.input_size is None:
        raise UnsafeModelError("input_size_missing", "Expected --input-size, received an open input.")
    check_mask_shape(scanned.size.outputs)
    if (head := find_head(scanned.plan)) != "sigmoid":
        raise UnsafeModelError(
            "output_not_outline", f"Expected a sigmoid at the end, received {head!r:.60}: no probability."
        )


def _try_out(network: "keras.Model", specification: OutlineSpecification) -> None:
    pictures = draw_pictures(specification.input_size)
    found = run_once(network, scale_pixels(pictures, specification.scaling))
    check_outputs(found.reshape(len(pictures), -1), "linear")
