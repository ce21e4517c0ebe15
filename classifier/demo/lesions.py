"""Draw what a dermoscope might see. By rule and seed: no photograph, no patient."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from classifier.demo.fields import Field, fade_out, make_cloud, make_honeycomb, make_noise, make_outline
from classifier.demo.overlays import add_bubbles, add_hairs, add_vignette

LesionKind = Literal["naevus", "melanoma", "blurred", "unclear"]
Pixels = npt.NDArray[np.float32]
_Colour = tuple[int, int, int]

# Pale skin turns pink to mauve under cross-polarised light; tanned skin stays brownish.
_PALE_SKINS: Final = ((234, 168, 176), (230, 154, 162), (238, 178, 188), (228, 160, 178), (236, 162, 160))
_TANNED_SKINS: Final = ((222, 178, 166), (212, 166, 150), (206, 170, 166))
_RED_BROWN: Final = (188, 96, 86)
_MID_BROWN: Final = (130, 50, 44)
_UMBER: Final = (124, 76, 58)
_DARK_BROWN: Final = (76, 46, 38)
_BLACK: Final = (40, 27, 31)
_BLUE_GREY: Final = (106, 100, 116)
_RED: Final = (178, 84, 80)
_WHITE_SCAR: Final = (206, 166, 158)


@dataclass(frozen=True)
class _Look:
    """How a kind of lesion differs from the others; numbers are ranges to draw from."""

    radius: tuple[float, float]
    unevenness: tuple[float, float]
    edge: float
    skins: tuple[_Colour, ...]
    colours: tuple[_Colour, ...]
    patches: tuple[_Colour, ...]
    network: float
    dots: tuple[int, int]
    hairs: tuple[int, int]
    bubbles: tuple[int, int]


_LOOKS: Final[dict[LesionKind, _Look]] = {
    "naevus": _Look(
        radius=(0.17, 0.3),
        unevenness=(0.02, 0.05),
        edge=0.2,
        skins=(*_PALE_SKINS, _TANNED_SKINS[0]),
        colours=(_RED_BROWN, _MID_BROWN),
        patches=(),
        network=0.24,
        dots=(4, 22),
        hairs=(0, 9),
        bubbles=(0, 7),
    ),
    "melanoma": _Look(
        radius=(0.27, 0.34),
        unevenness=(0.1, 0.15),
        edge=0.09,
        skins=(*_TANNED_SKINS, _PALE_SKINS[2]),
        colours=(_UMBER, _DARK_BROWN),
        patches=(_BLACK, _BLUE_GREY, _RED, _WHITE_SCAR, _BLACK),
        network=0.32,
        dots=(35, 70),
        hairs=(0, 7),
        bubbles=(1, 8),
    ),
    "unclear": _Look(
        radius=(0.23, 0.3),
        unevenness=(0.06, 0.09),
        edge=0.2,
        skins=(_PALE_SKINS[2], _PALE_SKINS[4], _TANNED_SKINS[0]),
        colours=(_RED_BROWN, _MID_BROWN),
        patches=(_DARK_BROWN, _RED),
        network=0.26,
        dots=(10, 25),
        hairs=(14, 26),
        bubbles=(8, 18),
    ),
}
_LOOKS["blurred"] = _LOOKS["naevus"]
_KIND_NUMBERS: Final = {"naevus": 1, "melanoma": 2, "blurred": 3, "unclear": 4}


def draw_lesion(seed: int, *, kind: LesionKind, size: tuple[int, int] = (768, 576)) -> bytes:
    """Return a JPEG of `size` (width, height); the same seed, kind and size give the same bytes."""
    rng = np.random.default_rng((_KIND_NUMBERS[kind], seed))
    shape = (size[1], size[0])
    look = _LOOKS[kind]
    pixels = _paint_lesion(_paint_skin(rng, shape, look.skins), rng, look)
    pixels += rng.standard_normal(shape, dtype=np.float32)[..., None] * 2.2
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    image = add_bubbles(image, rng, _pick(rng, look.bubbles))
    image = add_hairs(image, rng, _pick(rng, look.hairs))
    if kind == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(min(size) * 0.018))
    image = add_vignette(image, rng, black_edge=_pick(rng, (0, 2)) == 0)
    target = BytesIO()
    image.save(target, "JPEG", quality=90)
    return target.getvalue()


def _pick(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _make_colour(red: float, green: float, blue: float) -> Pixels:
    return np.array([red, green, blue], dtype=np.float32)


def _vary_colour(rng: np.random.Generator, colour: _Colour) -> Pixels:
    """The same colour, a little lighter or darker, a little warmer or cooler."""
    changes = rng.normal(0, 0.035) + rng.normal(0, 0.015, 3)
    varied: Pixels = _make_colour(*colour) * (1 + changes).astype(np.float32)
    return varied


def _paint_skin(rng: np.random.Generator, shape: tuple[int, int], skins: tuple[_Colour, ...]) -> Pixels:
    """Uneven rosy ground, small vessels, and the fine lines of the skin's surface."""
    tone = _vary_colour(rng, skins[rng.integers(len(skins))])
    pixels = np.ones((*shape, 1), dtype=np.float32) * tone
    pixels += make_cloud(rng, shape, 3, 4)[..., None] * _make_colour(5, 8, 8)
    vessels = np.exp(-((make_cloud(rng, shape, 9, 3) / 0.05) ** 2))
    vessels *= np.clip(3 * make_noise(rng, shape, 6), 0, 1)
    pixels -= vessels[..., None] * _make_colour(2, 11, 9)
    lines = make_honeycomb(rng, shape, rng.uniform(24, 30)) * (0.6 + 0.4 * make_noise(rng, shape, 8))
    pixels -= lines[..., None] * _make_colour(6, 8, 8)
    pixels += make_noise(rng, shape, 150)[..., None] * 3.0
    return pixels


def _paint_lesion(skin: Pixels, rng: np.random.Generator, look: _Look) -> Pixels:
    shape = skin.shape[0], skin.shape[1]
    outline = make_outline(
        rng, shape, radius=rng.uniform(*look.radius), unevenness=rng.uniform(*look.unevenness)
    )
    outline = outline + 0.05 * make_cloud(rng, shape, 22, 2)
    cover = fade_out(outline - 1, look.edge / 2)
    light, dark = (_vary_colour(rng, colour) for colour in look.colours)
    depth = np.clip(0.75 - 0.55 * outline + 0.28 * make_cloud(rng, shape, 4, 4), 0, 1)[..., None]
    pigment = light * (1 - depth) + dark * depth
    plain = np.ones(shape, dtype=np.float32)
    for colour in look.patches:
        amount = _place_patch(rng, shape, outline)
        pigment += amount[..., None] * (_make_colour(*colour) - pigment)
        plain *= 1 - 0.7 * amount
    net = make_honeycomb(rng, shape, rng.uniform(38, 52))
    # The net is clearest between centre and edge, fades unevenly and stops where a patch lies.
    clear = np.clip(1.2 - np.abs(outline - 0.75) * 1.5, 0, 1) * plain * look.network
    clear *= np.clip(0.7 + 0.9 * make_noise(rng, shape, 5), 0, 1)
    pigment *= 1 - (net * clear)[..., None] * _make_colour(0.55, 0.7, 0.75)
    pigment += ((1 - net) * clear)[..., None] * _make_colour(26, 20, 16)
    pigment = _add_dots(pigment, rng, outline, _pick(rng, look.dots))
    # Some of the skin's texture shows through, and pigment is never quite opaque.
    opacity = (cover * 0.94)[..., None]
    flush = np.exp(-(((outline - 1.1) / 0.22) ** 2))[..., None] * _make_colour(3, 11, 9)
    texture = (make_noise(rng, shape, 90) * cover)[..., None] * 4
    mixed: Pixels = (skin - flush) * (1 - opacity) + pigment * opacity + texture
    return mixed


def _place_patch(rng: np.random.Generator, shape: tuple[int, int], outline: Field) -> Field:
    """Where a second colour lies: a soft-edged island off the centre, inside the outline."""
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.17) * min(shape)
    apart = np.hypot(
        columns - width / 2 - np.cos(angle) * reach * 1.2, rows - height / 2 - np.sin(angle) * reach
    )
    island = apart / (min(shape) * rng.uniform(0.07, 0.15)) + 0.6 * make_cloud(rng, shape, 6, 3)
    inside = np.clip((1.08 - outline) / 0.2, 0, 1)
    strength = rng.uniform(0.6, 0.85)
    patch: Field = strength * inside * fade_out(island - 0.9, 0.16)
    return patch


def _add_dots(pigment: Pixels, rng: np.random.Generator, outline: Field, count: int) -> Pixels:
    """Dark dots and globules, mostly inside the outline."""
    height, width = outline.shape
    shade = np.zeros(outline.shape, dtype=np.float32)
    short = min(height, width)
    for _ in range(count):
        spread = rng.normal(0, 0.15, 2)
        row, column = int(height * 0.5 + spread[0] * short), int(width * 0.5 + spread[1] * short)
        radius = short * rng.uniform(0.004, 0.011)
        around = int(radius * 3) + 1
        top, left = max(0, row - around), max(0, column - around)
        patch = shade[top : row + around, left : column + around]
        rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
        apart = np.hypot(rows + top - row, columns + left - column) / radius
        np.maximum(patch, np.exp(-(apart**3)) * rng.uniform(0.35, 0.8), out=patch)
    dotted: Pixels = pigment * (1 - shade[..., None] * _make_colour(0.6, 0.68, 0.68))
    return dotted
