"""A WebP's layout, read from its chunks: the decoder would allocate the canvas to tell the size."""

from dataclasses import dataclass


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
            size = _read_size(kind, data[at + 8 : at + 18])
        if kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF":
            exif = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    if size is None:
        message = "expected a VP8, VP8L or VP8X chunk, received none"
        raise ValueError(message)
    return WebPLayout(size, max(frames, 1), whole, exif)


def _read_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
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
