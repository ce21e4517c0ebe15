"""Colour management: from any pixel mode, embedded ICC profile or declared colour space to 8-bit sRGB.

Besides an ICC profile a file may tell its colours by code points (`cICP`, `nclx`; ITU-T H.273), by
gamma and chromaticities (PNG, TIFF) or as Adobe RGB by EXIF. What is told is converted; what can't
be converted rightly is refused, because a lesion in wrong colours looks like another lesion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

from ml.imaging.errors import UndecodableImageError

_WHITE: Final = (255, 255, 255)
# The colour space a profile's header names, and the pixel mode it takes.
_PROFILE_MODES: Final = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_WITH_ALPHA: Final = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
# Bytes of a profile of which several are kept: a camera's has a few thousand, a printing press's millions.
_SMALL_PROFILE: Final = 1 << 20
# Pixels converted at once: what a conversion needs besides its source and its result stays small.
_BAND_PIXELS: Final = 1 << 18

Box = tuple[int, int, int, int]


def walk_bands(size: tuple[int, int]) -> Iterator[Box]:
    """Yield the boxes (left, upper, right, lower) of bands of whole rows, about 260,000 pixels each."""
    width, height = size
    rows = max(1, _BAND_PIXELS // max(width, 1))
    for upper in range(0, height, rows):
        yield 0, upper, width, min(upper + rows, height)


# --- Colour spaces that are declared by figures

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue (CIE 1931)."""

_D65: Final = (0.3127, 0.3290)
_SRGB: Final[Chromaticities] = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_ADOBE_RGB: Final[Chromaticities] = (*_D65, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)
# ITU-T H.273 (09/2023), table 2. 2 is "unspecified": sRGB, as everywhere here.
_PRIMARIES: Final[dict[int, Chromaticities]] = {
    1: _SRGB,
    2: _SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Table 3; a number is a power.
_TRANSFERS: Final[dict[int, str | float]] = {
    1: "bt709",
    2: "srgb",
    4: 2.2,
    5: 2.8,
    6: "bt709",
    8: 1.0,
    13: "srgb",
    14: "bt709",
    15: "bt709",
    16: "pq",
}
_HLG: Final = 18
# ITU-R BT.2408: the white of paper in HDR, in cd/m². What is brighter is shown as white.
_REFERENCE_WHITE: Final = 203.0
_PQ_PEAK: Final = 10_000.0
# 1 / 2.2 is what files in sRGB have always written; their curve is sRGB's.
_LIKE_SRGB: Final = (0.449, 0.461)
_GAMMAS: Final = (0.1, 10.0)


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """What the numbers of RGB or grey pixels mean: chromaticities, and the curve from number to light.

    `transfer`: `srgb`, `bt709`, `pq` (absolute light, SMPTE ST 2084), or the power of a plain gamma.
    """

    primaries: Chromaticities = _SRGB
    transfer: str | float = "srgb"


ADOBE_RGB: Final = ColourSpace(_ADOBE_RGB, 563 / 256)


def read_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """Return the colour space of two code points of ITU-T H.273; None for sRGB and for unspecified.

    Raises:
        UndecodableImageError: unsupported_format for HLG, whose look depends on the screen, and for
            what no still photograph uses.
    """
    if transfer == _HLG:
        raise refuse_colours("in high dynamic range (HLG)")
    curve, known = _TRANSFERS.get(transfer), _PRIMARIES.get(primaries)
    if curve is None or known is None:
        raise refuse_colours(f"in an unusual colour space (H.273 code points {primaries} and {transfer})")
    return _simplify(ColourSpace(known, curve))


def read_gamma(gamma: float | None, chromaticities: Chromaticities | None) -> ColourSpace | None:
    """Return the colour space that an encoding `gamma`, about 0.45, and chromaticities tell; None for sRGB.

    Either may be missing. Figures that are none are passed over, as a broken profile is.
    """
    transfer: str | float = "srgb"
    if gamma and _GAMMAS[0] <= gamma <= _GAMMAS[1] and not _LIKE_SRGB[0] <= gamma <= _LIKE_SRGB[1]:
        transfer = 1 / gamma
    primaries = chromaticities if chromaticities and _is_possible(chromaticities) else _SRGB
    return _simplify(ColourSpace(primaries, transfer))


def read_exif_space(exif: Image.Exif) -> ColourSpace | None:
    """Return the colour space that EXIF tells, None where it tells none or sRGB.

    Adobe RGB by the interoperability index R03 (DCF 2.0, 3.2); another one by its chromaticities.
    """
    try:
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        told = inner.get(ExifTags.Base.ColorSpace)
        index = str(exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex, ""))
        white, corners = (
            tuple(float(one) for one in exif.get(tag, ()))
            for tag in (ExifTags.Base.WhitePoint, ExifTags.Base.PrimaryChromaticities)
        )
        gamma = float(inner.get(ExifTags.Base.Gamma, 0))
    except Exception:  # noqa: BLE001 - the EXIF parser raises anything on a broken block
        return None
    # 1 is sRGB and 0xFFFF "something else"; 2 isn't in the standard, and some cameras write it.
    if told == 2 or (told != 1 and index.rstrip("\0 ") == "R03"):
        return ADOBE_RGB
    if told == 1 or len(corners) != 6:
        return None
    return read_gamma(1 / gamma if gamma else None, (*(white if len(white) == 2 else _D65), *corners))


def refuse_colours(how: str) -> UndecodableImageError:
    """Return the refusal (unsupported_format) of a picture whose colours are stored `how`."""
    message = (
        f"This picture stores its colours {how}, and they can't be shown rightly here. "
        "Save it as a JPEG in sRGB, or take it in the camera's standard colours."
    )
    return UndecodableImageError("unsupported_format", message)


def _simplify(space: ColourSpace) -> ColourSpace | None:
    """None for what is sRGB within a fiftieth of a level."""
    near = all(abs(a - b) < 0.002 for a, b in zip(space.primaries, _SRGB, strict=True))
    return None if near and space.transfer == "srgb" else space


def _is_possible(chromaticities: Chromaticities) -> bool:
    if min(chromaticities[1::2]) <= 0 or max(chromaticities) > 1:
        return False
    return abs(float(np.linalg.det(_find_columns(chromaticities)))) > 1e-3


def _find_columns(chromaticities: Chromaticities) -> npt.NDArray[np.float64]:
    """XYZ of red, green and blue, each with Y of 1, as columns."""
    points = np.reshape(chromaticities, (4, 2))[1:]
    return np.stack([_find_xyz(x, y) for x, y in points], axis=1)


def _find_xyz(x: float, y: float) -> npt.NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@lru_cache(maxsize=16)
def _find_matrix(chromaticities: Chromaticities) -> npt.NDArray[np.float32]:
    """From linear RGB of these chromaticities to linear sRGB; white stays white (Bradford)."""

    def to_xyz(told: Chromaticities) -> npt.NDArray[np.float64]:
        columns, white = _find_columns(told), _find_xyz(*told[:2])
        return columns * np.linalg.solve(columns, white)

    cones, wanted = (_BRADFORD @ _find_xyz(*told[:2]) for told in (chromaticities, _SRGB))
    adapt = np.linalg.solve(_BRADFORD, np.diag(wanted / cones) @ _BRADFORD)
    matrix = np.linalg.solve(to_xyz(_SRGB), adapt @ to_xyz(chromaticities))
    return matrix.astype(np.float32)


@lru_cache(maxsize=8)
def _tabulate_light(transfer: str | float, white: int) -> npt.NDArray[np.float32]:
    """The light in [0, 1] of each number from 0 to `white`."""
    signal = np.linspace(0.0, 1.0, white + 1)
    if transfer == "srgb":
        light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    elif transfer == "bt709":
        light = np.where(signal < 0.081243, signal / 4.5, ((signal + 0.099297) / 1.099297) ** (1 / 0.45))
    elif transfer == "pq":
        light = _decode_pq(signal) * (_PQ_PEAK / _REFERENCE_WHITE)
    else:
        light = signal ** float(transfer)
    return np.clip(light, 0.0, 1.0).astype(np.float32)


def _decode_pq(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SMPTE ST 2084, section 5: the share of 10,000 cd/m²."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    result: npt.NDArray[np.float64] = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return result


@lru_cache(maxsize=1)
def _tabulate_srgb() -> npt.NDArray[np.uint8]:
    """The sRGB number of light in 65,535ths."""
    light = np.linspace(0.0, 1.0, 65536)
    signal = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    levels: npt.NDArray[np.uint8] = np.rint(signal * 255).astype(np.uint8)
    return levels


def convert_samples(samples: npt.NDArray[Any], white: int, space: ColourSpace) -> npt.NDArray[np.uint8]:
    """Return the sRGB of `samples` in `space`: whole numbers 0 to `white`, (height, width) or (…, 3)."""
    light = _tabulate_light(space.transfer, white)[np.minimum(samples, white)]
    if samples.ndim == 3 and space.primaries != _SRGB:
        light = np.clip(light @ _find_matrix(space.primaries).T, 0.0, 1.0)
    levels: npt.NDArray[np.uint8] = _tabulate_srgb()[np.rint(light * 65535).astype(np.uint16)]
    return levels


# --- Conversion


def convert_to_srgb(
    image: Image.Image,
    space: ColourSpace | None = None,
    *,
    low: Image.Image | None = None,
    white: int = 65535,
    inverted: bool = False,
) -> Image.Image:
    """Return a new RGB image in sRGB without any metadata; transparency lies over white.

    Args:
        image: of any mode; its `icc_profile` goes before `space`. A profile that is broken, or made
            for another colour space than the pixels', is ignored and the pixels are taken as sRGB.
        space: what the numbers mean otherwise, None for sRGB.
        low: the lower bytes of 16-bit RGB of which `image` holds the higher ones, of the same mode.
        white: the largest number of deep grey, which becomes 255.
        inverted: grey whose 0 is white.
    """
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and len(profile) > 128:
        space = None
    if image.mode == "F":
        white = _find_float_white(image)
    if image.mode == "RGB" and not profile and space is None and "transparency" not in image.info:
        colour = image.copy()
        colour.info = {}
        return colour
    colour = Image.new("RGB", image.size)
    for box in walk_bands(image.size):
        part = image.crop(box)
        lower = low.crop(box) if low else None
        colour.paste(_convert_part(part, profile, space, lower, white, inverted=inverted), box)
    return colour


def _convert_part(
    part: Image.Image,
    profile: object,
    space: ColourSpace | None,
    low: Image.Image | None,
    white: int,
    *,
    inverted: bool,
) -> Image.Image:
    alpha = None
    if part.mode in _WITH_ALPHA or "transparency" in part.info:
        part, alpha = _split_alpha(part)
    if low is not None and space is not None:
        high, lower = (np.asarray(one.convert("RGB"), np.uint16) for one in (part, low))
        colour = Image.fromarray(convert_samples(high << 8 | lower, 65535, space))
    elif space is not None and part.mode.startswith("I"):
        samples = np.minimum(np.asarray(part), white)
        colour = Image.fromarray(
            convert_samples(white - samples if inverted else samples, white, space)
        ).convert("RGB")
    else:
        reduced = _reduce_depth(part, white)
        if inverted:
            reduced = reduced.point(lambda level: 255 - level)
        colour = _apply_space(reduced, space) if space else _apply_profile(reduced, profile)
    if alpha is None:
        return colour
    backdrop = Image.new("RGB", colour.size, _WHITE)
    backdrop.paste(colour, mask=alpha)
    return backdrop


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode.startswith("I"):
        return image, None  # a transparent grey value of a 16-bit PNG: nothing to show through
    straight = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    alpha = straight.getchannel("A")
    return straight.convert("L" if straight.mode == "LA" else "RGB"), alpha


def _find_float_white(image: Image.Image) -> int:
    """1, 255 or 65,535, whichever the highest value asks for."""
    highest = max(
        float(np.nan_to_num(np.asarray(image.crop(box)), nan=0.0).max(initial=0.0))
        for box in walk_bands(image.size)
    )
    return 1 if highest <= 1.0 else 255 if highest <= 255.0 else 65535


def _reduce_depth(image: Image.Image, white: int) -> Image.Image:
    """Bring 1-bit, palette, deep and floating grey to an 8-bit mode; `white` becomes 255."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("RGB", "CMYK", "LAB"):
        return image
    if not image.mode.startswith(("I", "F")):
        return image.convert("RGB")
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0)
    scaled = np.rint(np.clip(values / white, 0.0, 1.0) * 255.0)
    return Image.fromarray(scaled.astype(np.uint8))


def _apply_space(image: Image.Image, space: ColourSpace) -> Image.Image:
    """Of 8-bit RGB or grey; ink and Lab have no such space."""
    if image.mode not in ("RGB", "L"):
        return _apply_profile(image, None)
    return Image.fromarray(convert_samples(np.asarray(image), 255, space)).convert("RGB")


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and len(profile) > 128:
        mode = _PROFILE_MODES.get(profile[16:20])
        if mode == "RGB" and image.mode == "L":
            image = image.convert("RGB")  # grey pixels saved with a camera's colour profile
        if mode == image.mode:
            transform = _build_transform(profile, image.mode)
            if transform is not None:
                return _run_transform(transform, image)
    if image.mode == "LAB":
        return _run_transform(_build_lab_transform(), image)
    return image.convert("RGB") if image.mode != "RGB" else image


def _run_transform(transform: Any, image: Image.Image) -> Image.Image:
    # Not transform.apply(): that attaches the sRGB profile to the result.
    result = Image.new("RGB", image.size)
    transform.transform.apply(image.getim(), result.getim())
    return result


def _build_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Cached: building costs 50 times what applying it to a 224×224 image does.

    Of profiles over a megabyte only the last is kept, for the bands of its picture: eight would be
    as large as eight files.
    """
    return (_build_small if len(profile) <= _SMALL_PROFILE else _build_large)(profile, mode)


def _build(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


_build_small, _build_large = lru_cache(maxsize=8)(_build), lru_cache(maxsize=1)(_build)


@lru_cache(maxsize=1)
def _build_lab_transform() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
