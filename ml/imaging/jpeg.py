"""JPEG structure: how a picture is coded, what its components mean, and whether all of it is there.

libjpeg is lenient: what is missing it paints grey, and components that nobody explains it takes for
luma and chroma. Both are asked here of the file itself.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from ml.imaging.colour import walk_bands

# A marker that ends entropy-coded data: not a stuffed byte, a restart marker or a fill byte.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
# Marker segments without a length.
_STANDALONE: Final = frozenset({0x01, 0xD8, 0xD9, *range(0xD0, 0xD8)})
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
# Baseline, extended and progressive, by Huffman codes; all 13 are frames.
_USUAL: Final = frozenset({0xC0, 0xC1, 0xC2})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_GREY: Final = frozenset({127, 128})
# No marker among these bytes, and no run of equal bits.
_FILLER: Final = bytes(range(1, 255)) * 4
_RGB_NAMES: Final = tuple(b"RGB")


class _Segment(NamedTuple):
    marker: int
    body: bytes
    scan_end: int  # where the entropy-coded data after a start of scan stops; else 0


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """The header of a picture: its coding, and what tells the meaning of its components.

    `marker` of the frame and `precision` in bits. `components`: (name, horizontal, vertical sampling);
    `scanned`: how many of them the first scan holds. `transform`: of the Adobe segment, None without one;
    `has_jfif`: whether it is a JFIF file, whose components are luma and chroma.
    """

    marker: int
    precision: int
    components: tuple[tuple[int, int, int], ...]
    scanned: int
    transform: int | None
    has_jfif: bool

    @property
    def is_usual(self) -> bool:
        """Whether it is coded as photographs are: Huffman codes and 8 bits, in 1, 3 or 4 components."""
        return self.marker in _USUAL and self.precision == 8 and len(self.components) in (1, 3, 4)

    @property
    def is_progressive(self) -> bool:
        """Whether its scans refine each other."""
        return self.marker in _PROGRESSIVE

    @property
    def has_several_scans(self) -> bool:
        """Whether it comes in several scans, progressive or each of a component: all coefficients are held."""
        return self.is_progressive or self.scanned < len(self.components)

    @property
    def is_subsampled(self) -> bool:
        """Whether components differ in resolution, as luma and chroma do and red, green and blue never."""
        return len({component[1:] for component in self.components}) > 1

    @property
    def says_rgb(self) -> bool | None:
        """Whether three components are red, green and blue by the file's own word; None without a word."""
        if self.has_jfif:
            return False
        if self.transform is not None:
            return self.transform == 0
        if self.is_subsampled:
            return False
        return True if tuple(name for name, _, _ in self.components) == _RGB_NAMES else None


def read_jpeg_frame(data: bytes) -> JpegFrame | None:
    """Read the segments before the first scan; None where no frame is among them."""
    transform, has_jfif, found, scanned = None, False, None, 0
    for segment in _walk_segments(data):
        marker, body, _ = segment
        if marker == _START_OF_SCAN:
            scanned = body[0] if body else 0
            break
        if marker == 0xE0 and body.startswith(b"JFIF\0"):
            has_jfif = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            transform = body[11]
        elif marker in _FRAMES and len(body) >= 6 and found is None:
            parts = (body[at : at + 3] for at in range(6, min(6 + 3 * body[5], len(body) - 2), 3))
            found = marker, body[0], tuple((part[0], part[1] >> 4, part[1] & 15) for part in parts)
    return JpegFrame(*found, scanned, transform, has_jfif) if found else None


def open_jpeg(data: bytes) -> JpegImageFile:
    """Open a JPEG file, decoding nothing; raises what Pillow raises."""
    image = JpegImageFile(BytesIO(data))
    if image.mode == "CMYK":
        frame = read_jpeg_frame(data)
        # Adobe stores ink inverted, and says that it is Adobe. Pillow takes every file for Adobe's.
        if frame and frame.transform is None:
            image.tile = [one._replace(args=("CMYK", "")) for one in image.tile]
    return image


# --- Wholeness


def load_whole(
    data: bytes, image: JpegImageFile, reopen: Callable[[bytes], JpegImageFile] = open_jpeg
) -> bool:
    """Decode `image`, opened from `data` by `reopen`; say whether every pixel came from the file.

    libjpeg refuses a file that simply stops; but one that was cut and closed with an end marker it
    decodes: one of several scans with less detail or without its colours, another with grey (every
    component 128) for each missing block. Of a single scan the last block tells, as it is always among
    the missing; only then is the costly question asked. Of several each is asked for, and first: two
    decoded at once would cost twice the memory.
    """
    frame = read_jpeg_frame(data)
    if frame is not None and frame.has_several_scans:
        segments = list(_walk_segments(data))
        if not _has_all_scans(segments, frame):
            image.load()  # what is broken otherwise is said as that
            return False
        expected = _digest_filled(data, segments, reopen)
        image.load()
        return expected == _digest(image)
    image.load()
    corner = image.getpixel((image.width - 1, image.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    if not all(value in _GREY for value in values):
        return True
    return _digest_filled(data, list(_walk_segments(data)), reopen) == _digest(image)


def _has_all_scans(segments: list[_Segment], frame: JpegFrame) -> bool:
    """All 64 coefficients of each component are sent, down to the last bit; unless progressive, at once."""
    missing: dict[int, set[int]] = {}
    for segment in segments:
        body = segment.body
        if segment.marker != _START_OF_SCAN or not body or len(body) < 4 + 2 * body[0]:
            continue
        parameters = 1 + 2 * body[0]
        first, last, bits = body[parameters : parameters + 3] if frame.is_progressive else (0, 63, 0)
        for component in body[1:parameters:2]:
            left = missing.setdefault(component, set(range(64)))
            if not bits & 0x0F:  # otherwise lower bits of these coefficients must follow
                left.difference_update(range(first, last + 1))
    return len(missing) >= len(frame.components) and not any(missing.values())


def _digest_filled(
    data: bytes, segments: list[_Segment], reopen: Callable[[bytes], JpegImageFile]
) -> bytes | None:
    """Of the picture with bytes added behind its last scan: behind a full one they are skipped, behind
    a cut one they are taken for its rest.
    """
    end = max((segment.scan_end for segment in segments), default=0)
    try:
        return _digest(reopen(data[:end] + _FILLER + data[end:]))
    except (OSError, SyntaxError):
        return None


def _digest(image: Image.Image) -> bytes:
    image.load()
    digest = hashlib.sha256()
    for box in walk_bands(image.size):
        digest.update(image.crop(box).tobytes())
    return digest.digest()


def _walk_segments(data: bytes) -> Iterator[_Segment]:
    """The marker segments of the first image in the file."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = found.group(1)[0], found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + length]
        at += max(length, 2)
        scan_end = 0
        if marker == _START_OF_SCAN:
            after = _MARKER.search(data, at)
            scan_end = after.start() if after else len(data)
        yield _Segment(marker, body, scan_end)
