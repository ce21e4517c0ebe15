"""Truncated files: whether a HEIC or WebP is whole, told from its structure, before it is decoded.

Decoders are lenient, and half a lesion must never reach the network. Of WebP the layout (size, frames,
orientation) is read here too, because Pillow allocates its canvas to tell its size. JPEG, PNG and TIFF
have modules of their own.
"""

from dataclasses import dataclass


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
