"""The single decode path: a file's bytes to upright 8-bit sRGB pixels.

Intake, worker and evaluation all decode here, so that what a person was shown, what the network
saw and what the report measured are the same pixels. Nothing here touches Pillow's global settings:
formats are opened by their own class, limits are checked on the header before any pixel is decoded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ml.imaging.colour import convert_to_srgb
from ml.imaging.errors import UndecodableImageError
from ml.imaging.signatures import describe_content, find_format
from ml.imaging.structure import (
    TiffLayout,
    is_heic_whole,
    is_jpeg_whole,
    is_png_whole,
    read_tiff_layout,
    read_webp_layout,
)

# Decoded, 3 bytes each: 360 MB. Intake's own limit is lower and comes from settings.
DEFAULT_MAX_PIXELS: Final = 120_000_000
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
        image = _open_image(data, name, max_pixels=None)
        frames = int(getattr(image, "n_frames", 1))
        # libheif tells the upright size itself.
        orientation = 1 if name == "HEIC" else _read_orientation(image.getexif)
        return _make_header(name, image.size, orientation, frames)


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Decode the first frame of a JPEG, PNG, WebP, TIFF or HEIC file, or the only one of a DICOM file.

    Args:
        data: the whole file.
        max_pixels: refuse, before decoding, an image whose header claims more.

    Returns:
        An upright sRGB image of mode RGB with an empty `info`: EXIF orientation applied, embedded
        profile converted, transparency over white, 16 bits scaled to 8. The same bytes give the
        same pixels.

    Raises:
        UndecodableImageError: with a code and a sentence. Pixels that the file doesn't hold are
            never made up: a file that ends early is refused as truncated.
    """
    with _explain_errors(data) as name:
        if name == "DICOM":
            return convert_to_srgb(_decode_dicom(data, max_pixels))
        image = _open_image(data, name, max_pixels)
        image.load()
        _check_whole(data, image, name)
        # Pillow turns a TIFF upright as it loads, libheif a HEIC.
        orientation = 1 if name in ("TIFF", "HEIC") else _read_orientation(image.getexif)
        upright = convert_to_srgb(image)
        if orientation in _TRANSPOSES:
            upright = upright.transpose(_TRANSPOSES[orientation])
            upright.info = {}
        return upright


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
        raise _explain(error, name) from error


def _open_image(data: bytes, name: str, max_pixels: int | None) -> ImageFile.ImageFile:
    """Open the file, decoding nothing, once its header keeps the limit."""
    stream = BytesIO(data)
    image: ImageFile.ImageFile
    if name == "WEBP":
        webp = read_webp_layout(data)
        _check_pixels(*webp.size, max_pixels)
        if not webp.whole:
            raise _truncated(name)
        image = WebPImageFile(stream)
    elif name == "TIFF":
        tiff = _read_tiff(data)
        _check_pixels(*tiff.largest, max_pixels)
        if not tiff.whole:
            raise _truncated(name)
        image = TiffImageFile(stream)
    elif name == "HEIC":
        image = _open_heic(stream)
    elif name == "PNG":
        image = PngImageFile(stream)
    else:
        image = JpegImageFile(stream)
    _check_pixels(image.width, image.height, max_pixels)
    return image


def _read_dicom_header(data: bytes) -> ImageHeader:
    # Imported at first use, as libheif below.
    from ml.imaging.dicom.header import read_dicom

    found = read_dicom(data)
    return _make_header("DICOM", found.size, 1, found.frames)


def _decode_dicom(data: bytes, max_pixels: int) -> Image.Image:
    from ml.imaging.dicom.header import read_dicom
    from ml.imaging.dicom.pixels import decode_dicom

    found = read_dicom(data)
    _check_pixels(*found.size, max_pixels)
    return decode_dicom(data, found)


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

    def read_exif() -> Image.Exif:
        exif = Image.Exif()
        exif.load(layout.exif)
        return exif

    orientation = _read_orientation(read_exif) if layout.exif else 1
    return _make_header("WEBP", layout.size, orientation, layout.frames)


def _make_header(name: str, size: tuple[int, int], orientation: int, frames: int) -> ImageHeader:
    width, height = size if orientation < 5 else size[::-1]
    return ImageHeader(name, width, height, min(frames, MAX_COUNTED_FRAMES))


def _open_heic(stream: BytesIO) -> ImageFile.ImageFile:
    # Imported at first use: 20 MB of libheif that most processes never need.
    from pillow_heif import as_plugin

    open_heif: Callable[[BytesIO], ImageFile.ImageFile] = as_plugin.HeifImageFile
    return open_heif(stream)


def _check_pixels(width: int, height: int, limit: int | None) -> None:
    if limit is not None and width * height > limit:
        message = (
            f"This image is {width}×{height} pixels ({width * height:,} in all); "
            f"at most {limit:,} are accepted."
        )
        raise UndecodableImageError("too_many_pixels", message)


def _check_whole(data: bytes, image: Image.Image, name: str) -> None:
    if name == "JPEG":
        whole = is_jpeg_whole(data, image, progressive="progressive" in image.info)
    elif name == "PNG":
        whole = is_png_whole(data)
    elif name == "HEIC":
        whole = is_heic_whole(data)
    else:
        whole = True  # checked before decoding
    if not whole:
        raise _truncated(name)


def _read_orientation(read_exif: Callable[[], Image.Exif]) -> int:
    """Return the EXIF orientation, 1 to 8; a broken EXIF block counts as upright."""
    try:
        value = read_exif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - the EXIF parser raises anything on a broken block
        return 1
    return value if isinstance(value, int) and value in _TRANSPOSES else 1


def _truncated(name: str) -> UndecodableImageError:
    message = f"This {name} file ends too early: part of the picture is missing. Send it again."
    return UndecodableImageError("truncated", message)


def _explain(error: Exception, name: str) -> UndecodableImageError:
    words = str(error).lower()
    if "unknown pixel mode" in words:
        message = f"This {name} file stores its colours in a way that can't be read; save it as 8-bit RGB."
        return UndecodableImageError("unsupported_format", message)
    if any(word in words for word in ("truncated", "end of file", "end-of-file", "not enough")):
        return _truncated(name)
    message = f"This {name} file is damaged and can't be read. Take or export the photo again."
    return UndecodableImageError("corrupt", message)
