"""What lies over a lesion in a real photograph: hairs, the dermatoscope's frame, blur, JPEG."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ml.imaging.recoding import encode_again

_HAIRS = 0.1
_FRAME = 0.06
_BLUR = 0.06
_COMPRESSION = 0.3
_QUALITIES = (50, 96)
_MOST_HAIRS = 12
_CURVE_POINTS = 12


def add_artefacts(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return `image`, uint8 (side, side, 3), now and then with hairs, a frame, blur or JPEG's traces.

    How a photograph was compressed goes with the archive it came from, and so with the label:
    compressing at random takes that hint away.
    """
    hairs, frame, blur, compressed = generator.random(4) < (_HAIRS, _FRAME, _BLUR, _COMPRESSION)
    if not (hairs or frame or blur or compressed):
        return image
    picture = Image.fromarray(image)
    if hairs:
        _draw_hairs(picture, generator)
    if frame:
        _draw_frame(picture, generator)
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.2)))
    pixels = np.asarray(picture)
    return encode_again(pixels, int(generator.integers(*_QUALITIES))) if compressed else pixels


def _draw_hairs(picture: Image.Image, generator: np.random.Generator) -> None:
    """Draw dark or fair curved lines, one or two pixels wide at 224."""
    draw = ImageDraw.Draw(picture)
    side = picture.width
    t = np.linspace(0.0, 1.0, _CURVE_POINTS)[:, None]
    shade = int(generator.integers(10, 70)) if generator.random() < 0.8 else int(generator.integers(170, 220))
    for _ in range(int(generator.integers(2, _MOST_HAIRS))):
        start, middle, end = generator.uniform(-0.1, 1.1, size=(3, 2)) * side
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end
        width = max(1, round(generator.uniform(0.8, 2.0) * side / 224))
        draw.line([tuple(point) for point in curve.tolist()], fill=(shade, shade, shade), width=width)


def _draw_frame(picture: Image.Image, generator: np.random.Generator) -> None:
    """Darken everything outside a circle, as a dermatoscope's lens does."""
    side = picture.width
    radius = generator.uniform(0.52, 0.68) * side
    centre = side / 2 + generator.uniform(-0.04, 0.04, size=2) * side
    mask = Image.new("L", picture.size, 255)
    box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    ImageDraw.Draw(mask).ellipse(box, fill=0)
    picture.paste(
        (int(generator.integers(0, 30)),) * 3, mask=mask.filter(ImageFilter.GaussianBlur(side / 100))
    )
