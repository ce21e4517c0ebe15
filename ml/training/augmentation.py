"""Data augmentation: changes of a training image that leave its diagnosis alone.

Among them what lies over a lesion in a real photograph: hairs, the dermatoscope's frame, blur, JPEG.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ml.imaging.inputs import encode_again

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
        draw_hairs(picture, generator)
    if frame:
        draw_frame(picture, generator)
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.2)))
    pixels = np.asarray(picture)
    return encode_again(pixels, int(generator.integers(*_QUALITIES))) if compressed else pixels


def draw_hairs(picture: Image.Image, generator: np.random.Generator) -> None:
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


def draw_frame(picture: Image.Image, generator: np.random.Generator) -> None:
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


# --- Flips, geometry and light

AUGMENTATIONS = ("none", "flips", "dihedral", "dermoscopy")

# Half widths, or standard deviations where it says so, of the "dermoscopy" changes.
_ZOOM = 0.15
_STRETCH = 0.08
_SHIFT = 0.06
_MARGIN = 0.3
_GAIN_DEVIATION = 0.04
_BRIGHTNESS_DEVIATION = 0.08
_CONTRAST = 0.15
_SATURATION = 0.15


def augment_image(
    image: NDArray[np.uint8], kind: str, generator: np.random.Generator, *, side: int | None = None
) -> NDArray[np.uint8]:
    """Return one changed copy of `image`, uint8 (height, width, 3), as uint8 (side, side, 3).

    `none` changes nothing; `flips`: left-right and up-down, each with probability 1/2;
    `dihedral`: also a transposition, so all eight symmetries of the square, a lesion having no
    upright; `dermoscopy`: any rotation, zoom up to 15 % either way, slight stretch and shift, the
    edge mirrored outwards; the colour of the light (a gain a channel, the same model as
    shades-of-gray colour constancy, Finlayson and Trezzi 2004), brightness, contrast and
    saturation; now and then hairs, a dark round
    frame, blur or the traces of JPEG. `side` in pixels defaults to the
    image's own. Raises ValueError for another kind.
    """
    _check_kind(kind)
    target = side or image.shape[0]
    if kind != "dermoscopy":
        mirror, upend, transpose = generator.integers(0, 2, size=3)
        if kind != "none":
            image = image[:, ::-1] if mirror else image
            image = image[::-1] if upend else image
            image = image.swapaxes(0, 1) if transpose and kind == "dihedral" else image
        return _resize(image, target)
    moved = _move(image, target, generator)
    return add_artefacts(_recolour(moved, generator), generator)


def _check_kind(kind: str) -> None:
    if kind not in AUGMENTATIONS:
        raise ValueError(f"Expected an augmentation among {', '.join(AUGMENTATIONS)}, received {kind!r}.")


def _resize(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    if image.shape[:2] == (side, side):
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def _move(image: NDArray[np.uint8], side: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate, mirror, zoom, stretch and shift by one affine sampling."""
    margin = round(image.shape[0] * _MARGIN)
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    angle = generator.uniform(0.0, 2 * np.pi)
    zoom = np.exp(generator.uniform(-_ZOOM, _ZOOM))
    stretch = np.exp(generator.uniform(-_STRETCH, _STRETCH))
    mirror = 1.0 if generator.integers(0, 2) else -1.0
    step = image.shape[0] / side * zoom
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([step * stretch * mirror, step / stretch])
    centre = np.array(wide.shape[1::-1]) / 2 + generator.uniform(-_SHIFT, _SHIFT, size=2) * image.shape[0]
    origin = centre - matrix @ np.array([side / 2, side / 2])
    values = (matrix[0, 0], matrix[0, 1], origin[0], matrix[1, 0], matrix[1, 1], origin[1])
    drawn = Image.fromarray(wide).transform(
        (side, side), Image.Transform.AFFINE, values, Image.Resampling.BILINEAR
    )
    return np.asarray(drawn)


def _recolour(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Change the light's colour and strength, contrast and saturation, in that order."""
    gain = np.exp(
        generator.normal(0.0, _GAIN_DEVIATION, size=3) + generator.normal(0.0, _BRIGHTNESS_DEVIATION)
    )
    contrast = 1.0 + generator.uniform(-_CONTRAST, _CONTRAST)
    saturation = np.float32(1.0 + generator.uniform(-_SATURATION, _SATURATION))
    levels = np.arange(256, dtype=np.float32)[:, None] * gain.astype(np.float32)
    middle = float(image.mean())
    table = np.clip((levels - middle) * contrast + middle, 0, 255).astype(np.float32)
    lit = np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)
    grey = lit @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    mixed = grey[..., None] + (lit - grey[..., None]) * saturation
    result: NDArray[np.uint8] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return result
