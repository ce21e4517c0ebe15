"""Whether a file is whole, told from its structure.

Decoders are lenient: libjpeg paints what is missing grey, libtiff stops in the middle of a strip.
Half a lesion must never reach the network, so what the decoder would forgive is checked here.
TIFF and WebP, whose layout must be known before opening, are in `ml.imaging.tiff` and `ml.imaging.webp`.
"""

import re
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
