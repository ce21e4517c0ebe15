"""Domain randomisation: how a picture of a lesion was taken, framed, coloured and stored, drawn anew each time.

Archives differ in all of it, and archive and diagnosis go together in the training images; what is drawn at
random for both classes alike tells neither.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ml.evaluation.signature import balance_light, match_aspect, sample_square, store_jpeg
from ml.training.augmentation import draw_frame, draw_hairs

Pixels = NDArray[np.uint8]

# Width over height of the whole frame that a square was made of, when squashed.
FRAME_RATIO: Final = 4 / 3
# Drawn evenly on the log scale: from the squashed whole frame of 4:3 to the true proportions, and a little past.
_ASPECTS: Final = (0.70, 1.06)
# Side of what is kept, of the picture's own: from a close crop to a little more than all, edges mirrored.
_ZOOMS: Final = (0.62, 1.08)
_SHIFT: Final = 0.06
# A turned square reaches past the picture: by as much at most, in shares of its side.
_REACH: Final = 1.15
_RESAMPLING: Final = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
    Image.Resampling.HAMMING,
)
_SMALLEST: Final = 0.4
_BLUR: Final = (0.3, 1.3)
_QUALITIES: Final = (35, 97)
_CHANCES: Final = {
    "rescaled": 0.4,
    "blurred": 0.15,
    "sharpened": 0.1,
    "compressed": 0.6,
    "constancy": 0.35,
    "hairs": 0.1,
    "frame": 0.12,
    "ruler": 0.12,
}


def redraw_acquisition(image: Pixels, generator: np.random.Generator, *, side: int, squashed: bool) -> Pixels:
    """Return `image`, uint8 (s, s, 3), as another camera, clinic and archive might have kept it.

    `squashed`: whether the square is a whole 4:3 frame pressed together; else it is a cut of true proportions.
    Either is brought to the same range of proportions, so they no longer tell which it was. Then at random:
    any rotation, mirror, crop and shift; the light's colour or its correction by shades of grey (Finlayson and
    Trezzi 2004), brightness, gamma, contrast, saturation; hairs, a dark round frame, a ruler; another
    size in between with another filter, blur or sharpening; JPEG of quality 35 to 96 with any chroma
    subsampling. Returns uint8 (side, side, 3).
    """
    chances = {name: generator.random() < chance for name, chance in _CHANCES.items()}
    moved = _reframe(image, side, generator, own=1 / FRAME_RATIO if squashed else 1.0)
    if chances["constancy"]:
        moved = balance_light(moved, strength=generator.uniform(0.5, 1.0))
    picture = Image.fromarray(_relight(moved, generator))
    if chances["hairs"]:
        draw_hairs(picture, generator)
    if chances["ruler"]:
        _draw_ruler(picture, generator)
    if chances["frame"]:
        draw_frame(picture, generator)
    if chances["rescaled"]:
        picture = _rescale(picture, generator)
    if chances["blurred"]:
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(*_BLUR) * side / 224))
    elif chances["sharpened"]:
        picture = picture.filter(ImageFilter.UnsharpMask(1.0, int(generator.integers(30, 120)), 0))
    if chances["compressed"]:
        picture = store_jpeg(picture, int(generator.integers(*_QUALITIES)), int(generator.integers(3)))
    return np.asarray(picture)


def _reframe(image: Pixels, side: int, generator: np.random.Generator, *, own: float) -> Pixels:
    aspect = float(np.exp(generator.uniform(*np.log(_ASPECTS))))
    zoom = float(np.exp(generator.uniform(*np.log(_ZOOMS))))
    # Half of them by quarters alone, which need no mirrored corners.
    angle = generator.uniform(0, 2 * np.pi) if generator.integers(2) else generator.integers(4) * np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([1.0 if generator.integers(2) else -1.0, 1.0])
    # From the new square to round, turned, and to the stored square.
    fit = match_aspect(own, aspect)
    matrix = np.diag([own, 1.0]) @ turn @ np.diag([fit[0] / own, fit[1]]) @ mirror
    reach = float(np.abs(matrix).sum(axis=1).max())
    matrix *= min(1.0, _REACH / reach) * zoom
    return sample_square(image, side, matrix, generator.uniform(-_SHIFT, _SHIFT, 2))


def _relight(image: Pixels, generator: np.random.Generator) -> Pixels:
    """Change the light's colour and strength, gamma, contrast and saturation, in that order."""
    gains = np.exp(generator.normal(0, 0.05, 3) + generator.normal(0, 0.1))
    gamma = np.exp(generator.normal(0, 0.12))
    contrast = np.exp(generator.normal(0, 0.1))
    saturation = np.float32(np.exp(generator.normal(0, 0.12)))
    levels = np.clip((np.arange(256, dtype=np.float64)[:, None] / 255) ** gamma * gains, 0, 1.2) * 255
    middle = float(image.mean())
    table = np.clip((levels - middle) * contrast + middle, 0, 255).astype(np.float32)
    lit = np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)
    grey = lit @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    mixed = grey[..., None] + (lit - grey[..., None]) * saturation
    result: Pixels = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return result


def _rescale(picture: Image.Image, generator: np.random.Generator) -> Image.Image:
    side = picture.width
    between = max(8, round(side * generator.uniform(_SMALLEST, 1.0)))
    down, up = (_RESAMPLING[int(generator.integers(len(_RESAMPLING)))] for _ in range(2))
    return picture.resize((between, between), down).resize((side, side), up)


def _draw_ruler(picture: Image.Image, generator: np.random.Generator) -> None:
    """Draw the scale of a dermatoscope's glass along one edge: even ticks, every fifth longer."""
    draw = ImageDraw.Draw(picture)
    side = picture.width
    gap = generator.uniform(0.02, 0.06) * side
    edge = generator.uniform(0.02, 0.15) * side
    length = generator.uniform(0.015, 0.04) * side
    shade = int(generator.integers(0, 90))
    width = max(1, round(side / 224))
    place, far = int(generator.integers(4)), side - edge
    for number in range(int(side / gap)):
        along = number * gap
        reach = length * (2 if number % 5 == 0 else 1)
        start, end = (edge, edge + reach) if place < 2 else (far, far - reach)
        line = (along, start, along, end) if place % 2 else (start, along, end, along)
        draw.line(line, fill=(shade,) * 3, width=width)
