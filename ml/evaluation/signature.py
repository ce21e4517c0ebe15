"""Archive signature: how much of a network's figure comes from how a picture was taken, not from the lesion.

Two measures: whether the source can be read off the network's features within one class, and how far the figure
moves when the same picture is stored, cut or lit otherwise.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
_MINKOWSKI: Final = 6.0
_MARGIN: Final = 0.3


def balance_light(image: Pixels, *, strength: float = 1.0) -> Pixels:
    """Return `image`, uint8 (h, w, 3), with the light's colour taken out by `strength` in [0, 1].

    Shades of grey with Minkowski's p of 6; the mean brightness stays. The gains are raised to the power
    `strength`.
    """
    values = image.astype(np.float32) / 255
    norms = np.maximum((values**_MINKOWSKI).mean(axis=(0, 1)) ** (1 / _MINKOWSKI), 1e-3)
    gains = (norms.mean() / norms) ** strength
    result: Pixels = (np.clip(values * gains, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def store_jpeg(picture: Image.Image, quality: int, subsampling: int) -> Image.Image:
    """Return `picture` after one JPEG of `quality` 1 to 97; `subsampling` 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0."""
    stream = BytesIO()
    picture.save(stream, format="JPEG", quality=quality, subsampling=subsampling)
    return Image.open(stream).convert("RGB")


def reframe(image: Pixels, side: int, *, own: float, aspect: float, zoom: float = 1.0) -> Pixels:
    """Return the middle of `image` (s, s, 3) at another proportion, uint8 (side, side, 3), not turned.

    `own`: width over height that a circle has in `image`, 0.75 where a 4:3 frame was squashed; `aspect`: the one
    it gets. `zoom`: side of what is kept of the shorter way, 1 for all of it.
    """
    matrix = match_aspect(own, aspect) * zoom
    return sample_square(image, side, np.diag(matrix), np.zeros(2))


def match_aspect(own: float, aspect: float) -> NDArray[np.float64]:
    """Return the share of width and height to keep so that a circle goes from `own` to `aspect`; at most 1 each."""
    ratio = own / aspect
    return np.array([ratio, 1.0]) if ratio <= 1 else np.array([1.0, 1 / ratio])


def sample_square(
    image: Pixels, side: int, matrix: NDArray[np.float64], shift: NDArray[np.float64]
) -> Pixels:
    """Sample `image` where `matrix`, in shares of its side, puts the output's square; the edge is mirrored."""
    own_side = image.shape[0]
    margin = round(own_side * _MARGIN)
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    steps = matrix * own_side / side
    centre = np.array([wide.shape[1], wide.shape[0]]) / 2 + shift * own_side
    origin = centre - steps @ np.array([side / 2, side / 2])
    values = (steps[0, 0], steps[0, 1], origin[0], steps[1, 0], steps[1, 1], origin[1])
    drawn = Image.fromarray(wide).transform(
        (side, side), Image.Transform.AFFINE, values, Image.Resampling.BICUBIC
    )
    return np.asarray(drawn)


def _store(quality: int, subsampling: int) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray(store_jpeg(Image.fromarray(pixels), quality, subsampling))


def _rescale(between: int, filter_: Image.Resampling) -> Callable[[Pixels], Pixels]:
    def change(pixels: Pixels) -> Pixels:
        picture = Image.fromarray(pixels)
        return np.asarray(picture.resize((between, between), filter_).resize(picture.size, filter_))

    return change


def _light(*gains: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.clip(pixels * np.array(gains) + 0.5, 0, 255).astype(np.uint8)


# Name, what it is in words, and the change of uint8 (s, s, 3) pixels of 224.
VARIANTS: dict[str, tuple[str, Callable[[Pixels], Pixels]]] = {
    "jpeg_50": ("JPEG, quality 50, 4:2:0", _store(50, 2)),
    "jpeg_75": ("JPEG, quality 75, 4:2:0", _store(75, 2)),
    "jpeg_90": ("JPEG, quality 90, 4:4:4", _store(90, 0)),
    "crop_90": (
        "cut to the middle 90 %",
        lambda pixels: reframe(pixels, pixels.shape[0], own=1, aspect=1, zoom=0.9),
    ),
    "crop_80": (
        "cut to the middle 80 %",
        lambda pixels: reframe(pixels, pixels.shape[0], own=1, aspect=1, zoom=0.8),
    ),
    "squash": (
        "pressed together to 3:4",
        lambda pixels: reframe(pixels, pixels.shape[0], own=1, aspect=0.75),
    ),
    "stretch": (
        "drawn out to 4:3",
        lambda pixels: reframe(pixels, pixels.shape[0], own=0.75, aspect=1.0),
    ),
    "rescale_half": ("half the size and back, bilinear", _rescale(112, Image.Resampling.BILINEAR)),
    "rescale_lanczos": (
        "seven tenths of the size and back, Lanczos",
        _rescale(157, Image.Resampling.LANCZOS),
    ),
    "grey_light": ("light made grey (shades of grey)", balance_light),
    "warm_light": ("warmer light", _light(1.08, 1.0, 0.92)),
    "cool_light": ("colder light", _light(0.92, 1.0, 1.08)),
}


def measure_changes(
    predict: Callable[[Sequence[Pixels]], NDArray[np.float64]], images: Sequence[Pixels]
) -> dict[str, Any]:
    """Return how far `predict`, P(malignant) of uint8 pixels, moves on `images` in each variant.

    Each variant, and `all` of them together: `mean` and `largest` absolute change, both in [0, 1].
    """
    plain = predict(images)
    changes = {
        name: np.abs(predict([change(pixels) for pixels in images]) - plain)
        for name, (_, change) in VARIANTS.items()
    }
    changes["all"] = np.concatenate(list(changes.values()))
    return {
        name: {"mean": round(float(moved.mean()), 5), "largest": round(float(moved.max()), 5)}
        for name, moved in changes.items()
    }
