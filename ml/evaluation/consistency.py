"""Test-retest consistency: the same picture sent again, re-encoded, shifted, flipped or turned."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.datasets.image_sets import SetImage
from ml.evaluation.stored_predictions import format_number
from ml.imaging.inputs import build_input, encode_again
from ml.serving.calibration import Calibration
from ml.serving.prediction import BATCH_SHAPES, Predictor

Pixels = NDArray[np.uint8]


def shift(pixels: Pixels, rows: int, columns: int) -> Pixels:
    """Return `pixels` moved down by `rows` and right by `columns`, the edge repeated."""
    reach = max(abs(rows), abs(columns))
    wide = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = pixels.shape[:2]
    return wide[reach - rows : reach - rows + height, reach - columns : reach - columns + width]


def turn(pixels: Pixels, degrees: float) -> Pixels:
    """Return `pixels` turned anticlockwise about the centre, the edge mirrored into the corners."""
    height, width = pixels.shape[:2]
    margin = max(height, width) // 4
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    turned = Image.fromarray(wide).rotate(degrees, resample=Image.Resampling.BICUBIC)
    return np.asarray(turned)[margin : margin + height, margin : margin + width]


VARIANTS: dict[str, tuple[str, Callable[[Pixels], Pixels]]] = {
    "jpeg_90": ("JPEG again, quality 90", lambda pixels: encode_again(pixels, 90)),
    "jpeg_75": ("JPEG again, quality 75", lambda pixels: encode_again(pixels, 75)),
    "shift_4": ("shifted 4 pixels down and right", lambda pixels: shift(pixels, 4, 4)),
    "flip_left_right": ("flipped left to right", lambda pixels: pixels[:, ::-1]),
    "flip_up_down": ("flipped upside down", lambda pixels: pixels[::-1]),
    "rotate_90": ("turned by 90°", np.rot90),
    "rotate_180": ("turned by 180°", lambda pixels: np.rot90(pixels, 2)),
    "rotate_270": ("turned by 270°", lambda pixels: np.rot90(pixels, 3)),
    "rotate_5": ("turned by 5°", lambda pixels: turn(pixels, 5)),
}
COLUMNS = ("path", "lesion", "identity", *VARIANTS)


def score_variants(
    predictor: Predictor, root: Path, images: Sequence[SetImage], *, title: str = "Consistency"
) -> list[list[str]]:
    """Return, for each image, path, lesion and calibrated P(malignant) as is and in each variant.

    Cells in the order of COLUMNS. Raises `ml.imaging.errors.UndecodableImageError` and OSError.
    """
    specification = predictor.specification
    calibration = Calibration.from_dict(specification.calibration)
    changes: list[Callable[[Pixels], Pixels]] = [lambda pixels: pixels]
    changes += [change for _, change in VARIANTS.values()]
    rows = []
    with tqdm(total=len(images) * len(changes), desc=title, unit="view") as bar:
        for start in range(0, len(images), BATCH_SHAPES[-1]):
            part = images[start : start + BATCH_SHAPES[-1]]
            pixels = [
                build_input((root / image.path).read_bytes(), specification.input_size) for image in part
            ]
            columns = []
            for change in changes:
                raw = predictor.predict([np.ascontiguousarray(change(each)) for each in pixels])
                columns.append(calibration.apply(raw))
                bar.update(len(part))
            for image, values in zip(part, np.stack(columns, axis=1), strict=True):
                rows.append([image.path, image.lesion, *(format_number(float(value)) for value in values)])
    return rows
