"""Truncated files: whether a picture is whole, told from its structure, and layouts read before decoding.

Decoders are lenient: libjpeg paints what is missing grey, libtiff stops in the middle of a strip.
Half a lesion must never reach the network, so what the decoder would forgive is checked here.
Of WebP and TIFF the layout (size, frames, orientation) is read here too, because Pillow allocates a
WebP's canvas to tell its size, checks a TIFF's size only after it has opened it, and counts pages by
reading every tag of each: a hostile file makes that dear.
"""

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

# A marker that ends entropy-coded data: not a stuffed byte, a restart marker or a fill byte.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
# Marker segments without a length.
_STANDALONE: Final = frozenset({0x01, 0xD8, 0xD9, *range(0xD0, 0xD8)})
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
_GREY: Final = frozenset({127, 128})
# No marker among these bytes, and no run of equal bits.
_FILLER: Final = bytes(range(1, 255)) * 4


def is_png_whole(data: bytes) -> bool:
    """The chunks reach IEND within the file."""
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def is_heic_whole(data: bytes) -> bool:
    """Every box of the container lies within the file."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 0:  # the last box, up to the end of the file
            return True
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            # Not a box: whatever was appended after the last one.
            return at > 0
        if at + size > len(data):
            return data[at + 4 : at + 8] not in (b"ftyp", b"meta", b"mdat", b"moov", b"idat")
        at += size
    return True


def is_jpeg_whole(data: bytes, image: Image.Image, *, progressive: bool) -> bool:
    """Every pixel of a JPEG that libjpeg decoded came from the file.

    `image` is the decoded image as stored (before orientation). libjpeg refuses a file that simply
    stops; but one that was cut and closed with an end marker it decodes, a progressive one with
    less detail, another with grey (every component 128) for each missing block. The last block
    tells, as it is always among the missing; only then is the costly question asked.
    """
    if progressive:
        segments = _read_segments(data)
        return _has_all_scans(segments, len(image.getbands())) and _has_full_scan(data, segments, image)
    corner = image.getpixel((image.width - 1, image.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    if not all(value in _GREY for value in values):
        return True
    return _has_full_scan(data, _read_segments(data), image)


class _Segment(NamedTuple):
    marker: int
    body: bytes
    scan_end: int  # where the entropy-coded data after a start of scan stops; else 0


def _has_all_scans(segments: list[_Segment], components: int) -> bool:
    """All 64 coefficients of each component are sent, down to the last bit."""
    missing: dict[int, set[int]] = {}
    for segment in segments:
        body = segment.body
        if segment.marker != _START_OF_SCAN or not body or len(body) < 4 + 2 * body[0]:
            continue
        parameters = 1 + 2 * body[0]
        first, last, bits = body[parameters : parameters + 3]
        for component in body[1:parameters:2]:
            left = missing.setdefault(component, set(range(64)))
            if not bits & 0x0F:  # otherwise lower bits of these coefficients must follow
                left.difference_update(range(first, last + 1))
    return len(missing) >= components and not any(missing.values())


def _has_full_scan(data: bytes, segments: list[_Segment], image: Image.Image) -> bool:
    """Bytes added behind a full scan are skipped; behind a cut one they are taken for its rest."""
    end = max((segment.scan_end for segment in segments), default=0)
    again = JpegImageFile(BytesIO(data[:end] + _FILLER + data[end:]))
    return again.tobytes() == image.tobytes()


def _read_segments(data: bytes) -> list[_Segment]:
    """Return the marker segments of the first image in the file."""
    segments: list[_Segment] = []
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found.group(1)[0], found.end()
        if marker == _END_OF_IMAGE:
            break
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + length]
        at += max(length, 2)
        scan_end = 0
        if marker == _START_OF_SCAN:
            after = _MARKER.search(data, at)
            scan_end = after.start() if after else len(data)
        segments.append(_Segment(marker, body, scan_end))
    return segments


# --- WebP


@dataclass(frozen=True, slots=True)
class WebPLayout:
    """`size` is the canvas (width, height) in pixels; `exif` is empty when there is none."""

    size: tuple[int, int]
    frames: int
    whole: bool
    exif: bytes


def read_webp_layout(data: bytes) -> WebPLayout:
    """Read the chunks of a RIFF WEBP file. Raises ValueError when no picture is among them."""
    size: tuple[int, int] | None = None
    frames, exif = 0, b""
    whole = _read_int(data, 4, 4) + 8 <= len(data)
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], _read_int(data, at + 4, 4)
        if size is None:
            size = _read_canvas(kind, data[at + 8 : at + 18])
        if kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF":
            exif = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    if size is None:
        message = "expected a VP8, VP8L or VP8X chunk, received none"
        raise ValueError(message)
    return WebPLayout(size, max(frames, 1), whole, exif)


def _read_canvas(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return _read_int(body, 4, 3) + 1, _read_int(body, 7, 3) + 1
    if kind == b"VP8L":
        bits = _read_int(body, 1, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _read_int(body, 6, 2) & 0x3FFF, _read_int(body, 8, 2) & 0x3FFF
    return None


def _read_int(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


# --- TIFF

_WIDTH, _HEIGHT, _STRIP_OFFSETS, _STRIP_COUNTS = 256, 257, 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_DNG_VERSION, _PHOTOMETRIC, _COLOUR_FILTER_ARRAY, _ORIENTATION = 50706, 262, 32803, 274
_INTEGER_TYPES: Final = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"}
_MAX_TAGS: Final = 4096


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """`size` is the image's (width, height) as stored, `largest` also covers that of its tiles."""

    size: tuple[int, int]
    largest: tuple[int, int]
    orientation: int
    frames: int
    whole: bool
    raw: bool


@dataclass(frozen=True, slots=True)
class _Directory:
    tags: dict[int, tuple[int, ...]]
    following: int


def read_tiff_layout(data: bytes, max_frames: int) -> TiffLayout:
    """Read the first directory and count the others.

    Raises:
        struct.error, ValueError: when the directories don't lie within the file.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    (at,) = struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
    first = _read_directory(data, at, order, big=big)
    seen = {at}
    following = first.following
    while following and following not in seen and len(seen) < max_frames:
        seen.add(following)
        following = _read_following(data, following, order, big=big)
    tags = first.tags
    size = (_first(tags, _WIDTH), _first(tags, _HEIGHT))
    largest = (max(size[0], _first(tags, _TILE_WIDTH)), max(size[1], _first(tags, _TILE_HEIGHT)))
    orientation = _first(tags, _ORIENTATION)
    return TiffLayout(
        size,
        largest,
        orientation if 1 <= orientation <= 8 else 1,
        frames=len(seen),
        whole=_is_whole(tags, len(data)),
        raw=_DNG_VERSION in tags or _first(tags, _PHOTOMETRIC) == _COLOUR_FILTER_ARRAY,
    )


def _first(tags: dict[int, tuple[int, ...]], tag: int) -> int:
    values = tags.get(tag)
    return values[0] if values else 0


def _is_whole(tags: dict[int, tuple[int, ...]], size: int) -> bool:
    """Every strip or tile lies within the file, and none is missing from the list."""
    offsets = tags.get(_TILE_OFFSETS) or tags.get(_STRIP_OFFSETS) or ()
    counts = tags.get(_TILE_COUNTS) or tags.get(_STRIP_COUNTS) or ()
    if len(offsets) == 1 and not counts:
        return offsets[0] < size  # a single strip may leave its length out
    return len(offsets) == len(counts) and all(
        offset + count <= size for offset, count in zip(offsets, counts, strict=True)
    )


def _read_directory(data: bytes, at: int, order: str, *, big: bool) -> _Directory:
    count_format, entry, value_size, offset = ("Q", 20, 8, "Q") if big else ("H", 12, 4, "L")
    (count,) = struct.unpack_from(order + count_format, data, at)
    if count > _MAX_TAGS:
        message = f"expected at most {_MAX_TAGS} tags, received {count}"
        raise ValueError(message)
    at += struct.calcsize(count_format)
    tags: dict[int, tuple[int, ...]] = {}
    for _ in range(count):
        tag, kind, number = struct.unpack_from(order + "HH" + offset, data, at)
        letter = _INTEGER_TYPES.get(kind)
        if letter is not None and number:
            length = number * struct.calcsize("=" + letter)
            where = at + entry - value_size
            if length > value_size:
                (where,) = struct.unpack_from(order + offset, data, where)
            if where + length > len(data):
                message = f"expected {length} bytes of tag {tag}, received the end of file"
                raise ValueError(message)
            if tag in _READ:
                tags[tag] = struct.unpack_from(f"{order}{number}{letter}", data, where)
        at += entry
    return _Directory(tags, _read_offset(data, at, order + offset))


def _read_following(data: bytes, at: int, order: str, *, big: bool) -> int:
    """Skip over a directory's entries to the offset of the next one."""
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 + 20 * count if big else 2 + 12 * count
    return _read_offset(data, at, order + ("Q" if big else "L"))


def _read_offset(data: bytes, at: int, layout: str) -> int:
    # Some writers leave out the last directory's zero.
    if at + struct.calcsize(layout) > len(data):
        return 0
    value: int = struct.unpack_from(layout, data, at)[0]
    return value


_READ: Final = frozenset(
    {
        _WIDTH,
        _HEIGHT,
        _STRIP_OFFSETS,
        _STRIP_COUNTS,
        _TILE_WIDTH,
        _TILE_HEIGHT,
        _TILE_OFFSETS,
        _TILE_COUNTS,
        _DNG_VERSION,
        _PHOTOMETRIC,
        _ORIENTATION,
    }
)
