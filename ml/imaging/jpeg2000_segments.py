"""A JPEG 2000 codestream without its comments; the picture's own bytes stay as they are."""

from typing import Final

_START, _SIZE = b"\xff\x4f", 0x51
_TILE, _DATA, _END, _COMMENT = 0x90, 0x93, b"\xff\xd9", 0x64
# Coding, quantisation, regions, order, packet and tile lengths, registration.
_KEPT: Final = frozenset({_SIZE, 0x52, 0x53, 0x55, 0x57, 0x58, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63})


def strip_comments(data: bytes) -> bytes | None:
    """The same codestream up to its end marker, without comments in its main header.

    None for anything built otherwise, and for comments within a tile: its length would change.
    """
    if not data.startswith(_START):
        return None
    parts, at = [_START], 2
    while (found := _read_segment(data, at)) is not None and found[0] != _TILE:
        marker, end = found
        if marker in _KEPT:
            parts.append(data[at:end])
        elif marker != _COMMENT:
            return None
        at = end
    tiles = at
    while (found := _read_segment(data, at)) is not None and found[0] == _TILE:
        end = at + int.from_bytes(data[at + 6 : at + 10], "big")
        if not _is_bare(data, found[1], end):
            return None
        at = end
    if at == tiles or data[at : at + 2] != _END:
        return None
    return b"".join([*parts, data[tiles : at + 2]])


def _is_bare(data: bytes, at: int, end: int) -> bool:
    """A tile's header, up to its data, holds nothing but what decodes it."""
    if not at < end <= len(data):
        return False
    while data[at : at + 2] != bytes((0xFF, _DATA)):
        found = _read_segment(data, at)
        if found is None or found[0] not in _KEPT or found[1] > end:
            return False
        at = found[1]
    return True


def _read_segment(data: bytes, at: int) -> tuple[int, int] | None:
    """Marker and end of the segment here; None where there is none within the data."""
    if at + 4 > len(data) or data[at] != 0xFF:
        return None
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return (data[at + 1], end) if at + 4 <= end <= len(data) else None
