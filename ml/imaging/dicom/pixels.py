"""DICOM pixel data: the picture as a Pillow image, each transfer syntax by a decoder held to the header.

Rows and columns are as a viewer shows them; an orientation that a JPEG within carries is not theirs.
Run-length encoding is decoded here, because pydicom's own decoder expands a segment before it looks
at its length: 25 MB can become 1.6 GB.
"""

import struct
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from ml.imaging.colour import walk_bands
from ml.imaging.dicom.header import JPEG, JPEG2000, NATIVE, RLE, DicomFile
from ml.imaging.errors import UndecodableImageError
from ml.imaging.jpeg import JpegFrame, load_whole, open_jpeg, read_jpeg_frame
from ml.imaging.segments import read_segment


def unsupported() -> UndecodableImageError:
    """Return the refusal of colours that are stored in a way not decoded here."""
    return UndecodableImageError(
        "unsupported_format",
        "This DICOM file stores its colours in a way that can't be read; 8-bit RGB is best. "
        "Export the photo again, or send it as JPEG.",
    )


def truncated() -> UndecodableImageError:
    """Return the refusal of a picture whose end is missing."""
    return UndecodableImageError(
        "truncated", "This DICOM file ends too early: part of the picture is missing. Send it again."
    )


def corrupt() -> UndecodableImageError:
    """Return the refusal of a picture that is not the one its header describes."""
    return UndecodableImageError(
        "corrupt",
        "The picture in this DICOM file is not the one its header describes. "
        "Export the photo again, or send it as JPEG.",
    )


# --- Uncompressed

Samples = npt.NDArray[Any]
"""Shape (height, width, samples), as stored."""


def read_native(data: bytes, found: DicomFile, meaning: str) -> Samples:
    """Return the samples of an uncompressed picture, uint8 or uint16 (height, width, samples).

    `meaning`: its photometric interpretation. Raises UndecodableImageError, truncated or corrupt.
    """
    width, height = found.size
    ((start, end),) = found.layout.pixels
    bits, count = found.read_number("BitsAllocated"), found.read_number("SamplesPerPixel", 1)
    halved = meaning == "YBR_FULL_422"
    size = width * height * (2 if halved else count * bits // 8)
    if end - start < size:
        raise truncated()
    if end - start > size + size % 2 or (halved and width % 2):
        raise corrupt()
    values = np.frombuffer(data, "u1" if bits == 8 else "<u2", count=size * 8 // bits, offset=start)
    if halved:
        # Two lights, then the two colours that they share.
        pairs = values.reshape(height, width // 2, 4)
        return np.stack(
            [
                pairs[..., :2].reshape(height, width),
                *(pairs[..., [n, n]].reshape(height, width) for n in (2, 3)),
            ],
            axis=-1,
        )
    if count > 1 and found.read_number("PlanarConfiguration") == 1:
        return values.reshape(count, height, width).transpose(1, 2, 0)
    return values.reshape(height, width, count)


# --- Run-length encoding

_HEADER: Final = 64
_MOST_SEGMENTS: Final = 15


def decode_planes(frame: bytes, size: int, planes: int) -> npt.NDArray[np.uint8]:
    """Return uint8 of shape (planes, size): each segment expanded to exactly `size` bytes.

    Raises:
        UndecodableImageError: truncated or corrupt.
        struct.error: when the frame is shorter than its header.
    """
    count, *offsets = struct.unpack_from(f"<{_MOST_SEGMENTS + 1}L", frame)
    if count != planes or planes > _MOST_SEGMENTS:
        raise _damaged()
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] != _HEADER or bounds != sorted(bounds):
        raise _damaged()
    found = np.empty((planes, size), np.uint8)
    for index in range(planes):
        segment = frame[bounds[index] : bounds[index + 1]]
        found[index] = np.frombuffer(_expand(segment, size), np.uint8)
    return found


def _expand(segment: bytes, size: int) -> bytes:
    """PackBits, up to `size` bytes; what follows is padding."""
    out, at = bytearray(), 0
    while len(out) < size:
        if at + 1 >= len(segment):
            message = "This DICOM file ends too early: part of the picture is missing. Send it again."
            raise UndecodableImageError("truncated", message)
        control = segment[at]
        if control < 128:
            out += segment[at + 1 : at + 2 + control]
            at += 2 + control
        else:
            if control > 128:
                out += segment[at + 1 : at + 2] * (257 - control)
                at += 1
            at += 1
    if len(out) != size:
        raise _damaged()
    return bytes(out)


def _damaged() -> UndecodableImageError:
    message = "The picture in this DICOM file is damaged. Export the photo again, or send it as JPEG."
    return UndecodableImageError("corrupt", message)


# --- JPEG, JPEG 2000 and the frames of RLE

_CODESTREAM, _CODING_STYLE = b"\xff\x4f\xff\x51", 0x52


def decode_compressed(data: bytes, found: DicomFile, meaning: str) -> tuple[Samples, str]:
    """Decode JPEG or JPEG 2000; returns the samples and the photometric interpretation they then have.

    What the stream says of its colours goes before what the header says of them. Raises
    UndecodableImageError, unsupported_format, truncated or corrupt, and what the decoders raise.
    """
    frame = join_fragments(data, found)
    image: JpegImageFile | Jpeg2KImageFile
    if found.syntax in JPEG:
        image, straight = _load_jpeg(frame, found, meaning), True
    else:
        image = Jpeg2KImageFile(BytesIO(frame))
        _check_stream(image, found)
        straight = meaning == "RGB" or _is_transformed(frame)
        if (meaning in ("YBR_ICT", "YBR_RCT")) != (straight and meaning != "RGB"):
            raise corrupt()  # of luma and chroma, or of a transform, only one of the two speaks
        # OpenJPEG sees by itself to what is missing.
        image.load()
    samples = np.asarray(image)
    return samples.reshape(*samples.shape[:2], -1), "RGB" if straight and samples.ndim == 3 else meaning


def _load_jpeg(frame: bytes, found: DicomFile, meaning: str) -> JpegImageFile:
    told = read_jpeg_frame(frame)
    if told is None:
        raise corrupt()
    if not told.is_usual:
        raise unsupported()
    if _contradicts_itself(told):
        raise corrupt()
    # Where neither segment nor name says what three components are, libjpeg takes them for luma and
    # chroma; the header knows better, but not of what is subsampled.
    is_rgb = meaning == "RGB" and told.says_rgb is None and len(told.components) == 3
    reopen = _open_as_stored if is_rgb else open_jpeg
    image = reopen(frame)
    _check_stream(image, found)
    if not load_whole(frame, image, reopen):
        raise truncated()
    return image


def _open_as_stored(frame: bytes) -> JpegImageFile:
    """Three components that aren't converted: Pillow calls them luma and chroma, and they are colours."""
    image = open_jpeg(frame)
    image.draft("YCbCr", image.size)
    return image


def _contradicts_itself(frame: JpegFrame) -> bool:
    """Components named R, G and B of different resolution: libjpeg takes the names, others the resolution."""
    names = tuple(name for name, _, _ in frame.components)
    return names == tuple(b"RGB") and frame.is_subsampled and frame.transform is None and not frame.has_jfif


def _check_stream(image: JpegImageFile | Jpeg2KImageFile, found: DicomFile) -> None:
    """Before a pixel is decoded: the picture within may claim another size than the header."""
    if image.size != found.size or len(image.getbands()) != found.read_number("SamplesPerPixel", 1):
        raise corrupt()


def _is_transformed(frame: bytes) -> bool:
    """Whether a JPEG 2000 stream turns its components into colours itself (ISO 15444-1, A.6.1)."""
    at = frame.find(_CODESTREAM) + 2
    while (found := read_segment(frame, at)) is not None:
        marker, end = found
        if marker == _CODING_STYLE and end - at >= 9:
            return bool(frame[at + 8])
        at = end
    return False


def read_rle(data: bytes, found: DicomFile) -> Samples:
    """Return the samples of a run-length encoded picture, uint8 or uint16; raises as `decode_planes`."""
    width, height = found.size
    bytes_each = found.read_number("BitsAllocated") // 8
    count = found.read_number("SamplesPerPixel", 1)
    planes = decode_planes(join_fragments(data, found), width * height, count * bytes_each)
    # Segments hold the more significant byte of a sample first.
    parts = planes.reshape(count, bytes_each, height, width)
    samples: Samples = parts[:, 0]
    if bytes_each == 2:
        samples = samples.astype(np.uint16)
        samples <<= 8
        samples |= parts[:, 1]
    return samples.transpose(1, 2, 0)


def join_fragments(data: bytes, found: DicomFile) -> bytes:
    """The only frame of an encapsulated picture."""
    return b"".join(data[start:end] for start, end in found.layout.pixels)


# --- From stored numbers to 8-bit colours or greys

_COLOURS: Final = ("Red", "Green", "Blue")
_LARGEST_TABLE: Final = 65536


def give_colour(samples: npt.NDArray[np.uint8], meaning: str) -> Image.Image:
    """Return 8-bit samples as a picture in RGB or grey, by their photometric interpretation `meaning`.

    Raises UndecodableImageError, unsupported_format.
    """
    if meaning == "MONOCHROME1":
        return Image.fromarray(255 - samples[..., 0])
    if meaning == "MONOCHROME2":
        return Image.fromarray(np.ascontiguousarray(samples[..., 0]))
    if meaning == "RGB":
        return Image.fromarray(samples)
    if meaning in ("YBR_FULL", "YBR_FULL_422"):
        height, width = samples.shape[:2]
        return Image.frombytes("YCbCr", (width, height), samples.tobytes()).convert("RGB")
    raise unsupported()  # YBR_ICT and YBR_RCT are what JPEG 2000 does, and nothing else


def reduce_depth(samples: Samples, stored: int) -> npt.NDArray[np.uint8]:
    """Return samples of `stored` bits, 8 to 16, scaled to 8."""
    if stored == 8:
        return np.ascontiguousarray(samples, dtype=np.uint8)
    white = (1 << stored) - 1
    eight = np.empty(samples.shape, np.uint8)
    for _, upper, _, lower in walk_bands((samples.shape[1], samples.shape[0])):
        band = np.minimum(samples[upper:lower], white).astype(np.float32) * (255 / white)
        eight[upper:lower] = np.rint(band)
    return eight


def look_up(samples: Samples, found: DicomFile) -> npt.NDArray[np.uint8]:
    """Return the RGB colours, uint8 (height, width, 3), of palette indices (height, width).

    Raises UndecodableImageError (unsupported_format), KeyError and ValueError for a broken table.
    """
    tables, first = [], 0
    for colour in _COLOURS:
        entries, first, bits = _read_descriptor(found, colour)
        data: bytes = found.attributes[f"{colour}PaletteColorLookupTableData"].value
        # Eight bits may be stored one entry to a byte or one to a word.
        narrow = bits == 8 and len(data) < 2 * entries
        table = np.frombuffer(data, "u1" if narrow else "<u2", count=entries)
        tables.append(table if bits == 8 else table >> 8)
    index = np.clip(samples.astype(np.int32) - first, 0, len(tables[0]) - 1)
    picture: npt.NDArray[np.uint8] = np.stack(tables, axis=-1).astype(np.uint8)[index]
    return picture


def _read_descriptor(found: DicomFile, colour: str) -> tuple[int, int, int]:
    values = found.attributes.get(f"{colour}PaletteColorLookupTableDescriptor")
    entries, first, bits = (int(value) for value in values or (1, 0, 0))
    entries = entries or _LARGEST_TABLE
    if bits not in (8, 16) or not 0 < entries <= _LARGEST_TABLE:
        raise unsupported()
    return entries, first, bits


# --- The whole picture

_SAMPLES: Final = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}


def find_cost(found: DicomFile) -> float:
    """Return how many bytes a pixel decoding takes at most, the finished pixels among them."""
    samples, each = found.read_number("SamplesPerPixel", 1), found.read_number("BitsAllocated") // 8
    meaning = found.read_code("PhotometricInterpretation")
    if found.syntax in JPEG2000:
        return 4 * samples + 8  # OpenJPEG computes in 32 bits
    if found.syntax in JPEG:
        return 10  # of a progressive one
    if meaning == "PALETTE COLOR":
        return 16
    converted = 3 if meaning.startswith("YBR") else 0
    return 8 + converted + (2 * samples * each if found.syntax == RLE else 0)


def decode_dicom(data: bytes, found: DicomFile) -> Image.Image:
    """Decode the only frame; `info` holds its colour profile where there is one.

    Check the size in `found` before. Raises UndecodableImageError, and what decoders raise.
    """
    meaning = found.read_code("PhotometricInterpretation")
    _check_form(found, meaning)
    depth = found.read_number("BitsStored")
    if found.syntax in JPEG | JPEG2000:
        samples, meaning = decode_compressed(data, found, meaning)
        depth = samples.itemsize * 8  # Pillow brings every precision to a whole byte or two
    elif found.syntax in NATIVE:
        samples = read_native(data, found, meaning)
    else:
        samples = read_rle(data, found)
    if meaning == "PALETTE COLOR":
        image = Image.fromarray(look_up(samples[..., 0], found))
    else:
        image = give_colour(reduce_depth(samples, depth), meaning)
    profile = found.attributes.get("ICCProfile")
    if isinstance(profile, bytes):
        image.info["icc_profile"] = profile
    return image


def _check_form(found: DicomFile, meaning: str) -> None:
    bits, stored = found.read_number("BitsAllocated"), found.read_number("BitsStored")
    known = (
        meaning in _SAMPLES
        and found.read_number("SamplesPerPixel", 1) == _SAMPLES[meaning]
        and bits in (8, 16)
        and 8 <= stored <= bits
        and found.read_number("HighBit", stored - 1) == stored - 1
        and found.read_number("PixelRepresentation") == 0
        and found.read_number("PlanarConfiguration") in (0, 1)
        and not (bits == 16 and meaning.startswith("YBR"))
        and not (meaning == "PALETTE COLOR" and found.syntax in JPEG | JPEG2000)
        and not (stored > 8 and found.syntax in JPEG)
        and found.layout.encapsulated == (found.syntax not in NATIVE)
        and (found.layout.encapsulated or len(found.layout.pixels) == 1)
    )
    if not known:
        raise unsupported()
