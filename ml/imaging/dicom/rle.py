"""DICOM's run-length encoding, decoded within the size that the header names.

pydicom's own decoder expands a segment before it looks at its length: 25 MB can become 1.6 GB.
"""

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.imaging.errors import UndecodableImageError

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
        raise _corrupt()
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] != _HEADER or bounds != sorted(bounds):
        raise _corrupt()
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
        raise _corrupt()
    return bytes(out)


def _corrupt() -> UndecodableImageError:
    message = "The picture in this DICOM file is damaged. Export the photo again, or send it as JPEG."
    return UndecodableImageError("corrupt", message)
