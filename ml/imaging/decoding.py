"""The single decode path: a file's bytes to upright 8-bit sRGB pixels.

Intake, worker and evaluation all decode here, so that what a person was shown, what the network
saw and what the report measured are the same pixels. Nothing here touches Pillow's global settings:
formats are opened by their own class, limits are checked on the header before any pixel is decoded.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ml.imaging.colour import (
    ColourSpace,
    convert_samples,
    convert_to_srgb,
    read_code_points,
    read_exif_space,
    walk_bands,
)
from ml.imaging.errors import UndecodableImageError
from ml.imaging.jpeg import JpegFrame, load_whole, open_jpeg, read_jpeg_frame
from ml.imaging.png import (
    is_png_whole,
    open_low_bytes,
    open_png,
    read_png_colours,
    read_png_layout,
)
from ml.imaging.signatures import describe_content, find_format
from ml.imaging.structure import is_heic_whole, read_webp_layout
from ml.imaging.tiff import TiffLayout, find_tiff_cost, open_tiff, read_tiff_layout

# Intake's own limit is lower and comes from settings.
DEFAULT_MAX_PIXELS: Final = 120_000_000
MAX_MEMORY: Final = 600 << 20
"""Bytes that decoding one image may take beside its file, the finished pixels (4 bytes each) among them."""
# Larger pictures are decoded one after another in a process, so that threads together don't take more.
_LARGE_PIXELS: Final = 12_000_000
_large = threading.BoundedSemaphore(1)
# Bytes of EXIF that are read; a JPEG segment has 64 KB. Two million numbers would take ten seconds.
_MAX_EXIF: Final = 4 << 20
# More frames than this are not counted further.
MAX_COUNTED_FRAMES: Final = 1000

_TRANSPOSES: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says of itself before any pixel is decoded.

    `width` and `height` are those of the upright image, in pixels. `frames` counts pictures or
    pages, at most `MAX_COUNTED_FRAMES`.
    """

    format: str
    width: int
    height: int
    frames: int


def read_header(data: bytes) -> ImageHeader:
    """Read format, upright size and number of frames without decoding pixels.

    Raises:
        UndecodableImageError: empty_file, unsupported_format, truncated or corrupt.
    """
    with _explain_errors(data) as name:
        if name == "DICOM":
            return _read_dicom_header(data)
        if name == "TIFF":
            return _read_tiff_header(data)
        if name == "WEBP":
            return _read_webp_header(data)
        image = _open_image(data, name)
        frames = int(getattr(image, "n_frames", 1))
        # libheif tells the upright size itself.
        orientation = 1 if name == "HEIC" else _read_orientation(_open_exif(image))
        return _make_header(name, image.size, orientation, frames)


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Decode the first frame of a JPEG, PNG, WebP, TIFF or HEIC file, or the only one of a DICOM file.

    Args:
        data: the whole file.
        max_pixels: refuse, before decoding, an image whose header claims more. So is one whose
            decoding would take more than `MAX_MEMORY`.

    Returns:
        An upright sRGB image of mode RGB with an empty `info`: EXIF orientation applied, colours
        converted by what the file says of them, transparency over white, 16 bits scaled to 8. The
        same bytes give the same pixels.

    Raises:
        UndecodableImageError: with a code and a sentence. Pixels that the file doesn't hold are
            never made up: a file that ends early is refused as truncated.
    """
    with _explain_errors(data) as name:
        return _DECODERS[name](data, max_pixels)


def to_array(image: Image.Image, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return the network's input: uint8 of shape (height, width, 3), values 0 to 255.

    Args:
        image: an RGB image of `decode_image`.
        size: (height, width) in pixels. Another size is reached by antialiased bilinear resizing
            of the whole picture, without keeping its proportions: the published data was made so.
    """
    height, width = size
    if image.mode != "RGB":
        message = f"expected an RGB image, received mode {image.mode}"
        raise ValueError(message)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(image, dtype=np.uint8)


@contextmanager
def _explain_errors(data: bytes) -> Iterator[str]:
    """Give the format, by content; turn whatever a decoder raises into our own error."""
    if not data:
        raise UndecodableImageError("empty_file", "This file is empty: it holds 0 bytes.")
    name = find_format(data)
    if name is None:
        kind = describe_content(data)
        message = f"This file is {kind}; a JPEG, PNG, WebP, TIFF, HEIC or DICOM file is needed."
        raise UndecodableImageError("unsupported_format", message)
    try:
        yield name
    except UndecodableImageError:
        raise
    except Exception as error:
        raise _explain(error, name, data) from error


def _open_image(data: bytes, name: str) -> ImageFile.ImageFile:
    """Open a JPEG, PNG or HEIC file, decoding nothing."""
    if name == "PNG":
        return open_png(read_png_layout(data))
    return _open_heic(data) if name == "HEIC" else open_jpeg(data)


def _read_dicom_header(data: bytes) -> ImageHeader:
    # Imported at first use, as libheif below.
    from ml.imaging.dicom.header import read_dicom

    found = read_dicom(data)
    return _make_header("DICOM", found.size, 1, found.frames)


def _read_tiff_header(data: bytes) -> ImageHeader:
    layout = _read_tiff(data)
    return _make_header("TIFF", layout.size, layout.orientation, layout.frames)


def _read_tiff(data: bytes) -> TiffLayout:
    layout = read_tiff_layout(data, MAX_COUNTED_FRAMES)
    if layout.raw:
        message = "This file is a camera raw file; save it as JPEG or TIFF first."
        raise UndecodableImageError("unsupported_format", message)
    return layout


def _read_webp_header(data: bytes) -> ImageHeader:
    layout = read_webp_layout(data)
    # As of an image that is opened, which of WebP takes the memory of its canvas.
    image = Image.new("1", (1, 1))
    image.info["exif"] = layout.exif
    return _make_header("WEBP", layout.size, _read_orientation(_open_exif(image)), layout.frames)


def _make_header(name: str, size: tuple[int, int], orientation: int, frames: int) -> ImageHeader:
    width, height = size if orientation < 5 else size[::-1]
    return ImageHeader(name, width, height, min(frames, MAX_COUNTED_FRAMES))


# --- One decoder a format


def _decode_jpeg(data: bytes, max_pixels: int) -> Image.Image:
    image, frame = open_jpeg(data), read_jpeg_frame(data)
    cost = max(_weigh_result(image), _weigh(image) + _weigh_coefficients(frame))
    _check_pixels(image.size, max_pixels, cost)
    with _take_turn(image.size):
        if not load_whole(data, image):
            raise _truncated("JPEG")
        return _finish(image, _read_exif_space(image))


def _weigh_coefficients(frame: JpegFrame | None) -> float:
    """Bytes a pixel of what libjpeg holds until the last of several scans."""
    if frame is None or not frame.has_several_scans:
        return 0
    sides = [(across, down) for _, across, down in frame.components]
    largest = max(across for across, _ in sides) * max(down for _, down in sides)
    return 2 * sum(across * down for across, down in sides) / max(largest, 1)


def _decode_png(data: bytes, max_pixels: int) -> Image.Image:
    layout = read_png_layout(data)
    image = open_png(layout)
    _check_pixels(image.size, max_pixels, _weigh_result(image))
    told = read_png_colours(layout)
    space = None if isinstance(told, bytes) else told
    low = open_low_bytes(layout) if space else None
    if low:
        _check_pixels(image.size, max_pixels, 2 * _weigh(image) + 4)
    with _take_turn(image.size):
        image.load()
        if not is_png_whole(data):
            raise _truncated("PNG")
        if isinstance(told, bytes):
            image.info["icc_profile"] = told
        elif layout.told.keys() <= {b"IHDR"}:
            space = _read_exif_space(image)
        return _finish(image, space, low=low)


def _decode_webp(data: bytes, max_pixels: int) -> Image.Image:
    layout = read_webp_layout(data)
    # Two canvases of the decoder, the bytes that it hands over, and the image.
    _check_pixels(layout.size, max_pixels, 16)
    if not layout.whole:
        raise _truncated("WEBP")
    with _take_turn(layout.size):
        image = WebPImageFile(BytesIO(data))
        image.load()
        return _finish(image, _read_exif_space(image))


def _decode_tiff(data: bytes, max_pixels: int) -> Image.Image:
    layout = _read_tiff(data)
    _check_pixels(layout.largest, max_pixels, 8)
    if not layout.whole:
        raise _truncated("TIFF")
    _check_pixels(layout.largest, max_pixels, find_tiff_cost(layout))
    with _take_turn(layout.size):
        picture = open_tiff(data, layout)
        # Before it loads: then it is turned, and says so no longer.
        orientation = 1 if picture.is_turned else layout.orientation
        picture.image.load()
        colour = convert_to_srgb(picture.image, picture.space, white=picture.white, inverted=picture.inverted)
        del picture
        return _turn(colour, orientation)


def _decode_heic(data: bytes, max_pixels: int) -> Image.Image:
    image = _open_heic(data)
    is_deep = int(image.info.get("bit_depth", 8)) > 8
    # libheif's planes, its colours, their copy and the image; deep samples take two bytes each.
    cost = 13 if image.has_transparency_data else 10
    _check_pixels(image.size, max_pixels, 2 * cost if is_deep else cost)
    space = _read_heic_space(image)
    with _take_turn(image.size):
        if is_deep and space:
            colour = _decode_deep_heic(data, space)
        else:
            image.load()
            colour = convert_to_srgb(image, space)
        if not is_heic_whole(data):
            raise _truncated("HEIC")
        return colour


def _open_heic(data: bytes) -> ImageFile.ImageFile:
    # Imported at first use: 20 MB of libheif that most processes never need.
    from pillow_heif import as_plugin

    open_heif: Callable[[BytesIO], ImageFile.ImageFile] = as_plugin.HeifImageFile
    return open_heif(BytesIO(data))


def _read_heic_space(image: ImageFile.ImageFile) -> ColourSpace | None:
    if image.info.get("icc_profile"):
        return None
    told: dict[str, Any] | None = image.info.get("nclx_profile")
    if told:
        return read_code_points(int(told["color_primaries"]), int(told["transfer_characteristics"]))
    return _read_exif_space(image)


def _decode_deep_heic(data: bytes, space: ColourSpace) -> Image.Image:
    """Of more than 8 bits and another colour space: converted before they are brought to 8."""
    from pillow_heif import HeifFile

    open_file: Callable[..., Any] = HeifFile
    file = open_file(BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=True)
    frame = file[file.primary_index]
    samples: npt.NDArray[np.uint16] = np.asarray(frame)
    colour = Image.new("RGB", frame.size)
    white = _find_white(int(frame.info["bit_depth"]))
    for box in walk_bands(frame.size):
        part = samples[box[1] : box[3], : frame.size[0]]
        colours = part if part.ndim == 2 else part[..., :3] if part.shape[2] > 2 else part[..., 0]
        converted = Image.fromarray(convert_samples(colours, white, space)).convert("RGB")
        if part.ndim == 3 and part.shape[2] in (2, 4):
            alpha = Image.fromarray((part[..., -1] >> 8).astype(np.uint8))
            backdrop = Image.new("RGB", converted.size, (255, 255, 255))
            backdrop.paste(converted, mask=alpha)
            converted = backdrop
        colour.paste(converted, box)
    return colour


def _find_white(bits: int) -> int:
    """The largest of samples of `bits` bits that are shifted up to 16."""
    return ((1 << bits) - 1) << (16 - bits)


def _decode_dicom(data: bytes, max_pixels: int) -> Image.Image:
    from ml.imaging.dicom.header import read_dicom
    from ml.imaging.dicom.pixels import decode_dicom, find_cost

    found = read_dicom(data)
    _check_pixels(found.size, max_pixels, find_cost(found))
    with _take_turn(found.size):
        return convert_to_srgb(decode_dicom(data, found))


_DECODERS: Final[dict[str, Callable[[bytes, int], Image.Image]]] = {
    "JPEG": _decode_jpeg,
    "PNG": _decode_png,
    "WEBP": _decode_webp,
    "TIFF": _decode_tiff,
    "HEIC": _decode_heic,
    "DICOM": _decode_dicom,
}


def _finish(
    image: ImageFile.ImageFile, space: ColourSpace | None, *, low: Image.Image | None = None
) -> Image.Image:
    orientation = _read_orientation(_open_exif(image))
    colour = convert_to_srgb(image, space, low=low)
    # Turning makes another image; three at once would be too many.
    for one in (image, low):
        if one is not None:
            one.close()
    return _turn(colour, orientation)


def _turn(image: Image.Image, orientation: int) -> Image.Image:
    if orientation in _TRANSPOSES:
        image = image.transpose(_TRANSPOSES[orientation])
        image.info = {}
    return image


def _read_exif_space(image: ImageFile.ImageFile) -> ColourSpace | None:
    """Adobe RGB, where EXIF says so and no profile says more."""
    return None if image.info.get("icc_profile") else read_exif_space(_open_exif(image))


def _open_exif(image: Image.Image) -> Image.Exif:
    """The EXIF of an image; empty where it is broken, or too long: Pillow reads a list number by number."""
    if len(image.info.get("exif") or b"") > _MAX_EXIF:
        return Image.Exif()
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - the EXIF parser raises anything on a broken block
        return Image.Exif()


# --- Limits

_BYTES: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}


def _weigh(image: Image.Image) -> int:
    """Bytes of a pixel in Pillow's memory; colours take 4, whatever the file."""
    return _BYTES.get(image.mode, 4)


def _weigh_result(image: ImageFile.ImageFile) -> int:
    """Bytes a pixel of the decoded image beside its colours, or of these beside the same turned upright."""
    turned = 8 if _read_orientation(_open_exif(image)) > 1 else 0
    return max(_weigh(image) + 4, turned)


def _check_pixels(size: tuple[int, int], limit: int, cost: float) -> None:
    """Refuse more pixels than `limit`, or than fit `MAX_MEMORY` at `cost` bytes each."""
    width, height = size
    fitting = int(MAX_MEMORY / cost)
    if width * height > min(limit, fitting):
        how = " stored as they are in this file" if fitting < limit else ""
        message = (
            f"This image is {width}×{height} pixels ({width * height:,} in all); "
            f"at most {min(limit, fitting):,}{how} are accepted."
        )
        raise UndecodableImageError("too_many_pixels", message)


@contextmanager
def _take_turn(size: tuple[int, int]) -> Iterator[None]:
    with _large if size[0] * size[1] > _LARGE_PIXELS else nullcontext():
        yield


def _read_orientation(exif: Image.Exif) -> int:
    """Return the EXIF orientation, 1 to 8; a broken EXIF block counts as upright."""
    try:
        value = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - the EXIF parser raises anything on a broken block
        return 1
    return value if isinstance(value, int) and value in _TRANSPOSES else 1


def _truncated(name: str) -> UndecodableImageError:
    message = f"This {name} file ends too early: part of the picture is missing. Send it again."
    return UndecodableImageError("truncated", message)


def _explain(error: Exception, name: str, data: bytes) -> UndecodableImageError:
    words = str(error).lower()
    if "unknown pixel mode" in words:
        message = f"This {name} file stores its colours in a way that can't be read; save it as 8-bit RGB."
        return UndecodableImageError("unsupported_format", message)
    if "unsupported" in words or (name == "JPEG" and _is_unusual(data)):
        message = (
            f"This {name} file is packed in a way that can't be read here. Save it as a JPEG of the usual kind "
            "(baseline or progressive, 8 bit) or as PNG."
        )
        return UndecodableImageError("unsupported_format", message)
    if any(word in words for word in ("truncated", "end of file", "end-of-file", "not enough")):
        return _truncated(name)
    message = f"This {name} file is damaged and can't be read. Take or export the photo again."
    return UndecodableImageError("corrupt", message)


def _is_unusual(data: bytes) -> bool:
    frame = read_jpeg_frame(data)
    return frame is not None and not frame.is_usual
