"""Metadata stripped from JPEG and JPEG 2000: nothing stays but what decodes the picture.

Comments and application segments are where names stand. What they tell the decoder about colours is
written anew, in the few bytes that it takes; the picture's own bytes stay as they are.
"""

import re
from typing import Final

# Baseline, extended and progressive frames; Huffman and quantisation tables; restart interval.
_KEPT: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD})
_DROPPED: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# What ends the entropy-coded data of a scan: no stuffed byte, no restart marker.
_AFTER_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JFIF: Final = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_ADOBE: Final = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0"


def strip_segments(data: bytes) -> bytes | None:
    """The same picture without a word, up to its end marker; None for a JPEG of another build."""
    parts, at = [b"\xff\xd8"], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == _SCAN:
            after = _AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        if marker in _KEPT or marker == _SCAN:
            parts.append(data[at:end])
        elif marker in _DROPPED:
            parts.append(_renew(data[at:end]))
        else:
            return None
        at = end
        if data[at : at + 2] == bytes((0xFF, _END_OF_IMAGE)):
            return b"".join([*parts, data[at : at + 2]])
    return None


def _renew(segment: bytes) -> bytes:
    if segment[1] == 0xE0 and segment[4:9] == b"JFIF\0":
        return _JFIF
    if segment[1] == 0xEE and segment[4:9] == b"Adobe" and len(segment) >= 16:
        return _ADOBE + segment[15:16]
    return b""


# --- JPEG 2000

_START, _SIZE = b"\xff\x4f", 0x51
_TILE, _DATA, _END_2000, _COMMENT = 0x90, 0x93, b"\xff\xd9", 0x64
# Coding, quantisation, regions, order, packet and tile lengths, registration.
_KEPT_2000: Final = frozenset({_SIZE, 0x52, 0x53, 0x55, 0x57, 0x58, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63})


def strip_comments(data: bytes) -> bytes | None:
    """The same codestream up to its end marker, without comments in its main header.

    None for anything built otherwise, and for comments within a tile: its length would change.
    """
    if not data.startswith(_START):
        return None
    parts, at = [_START], 2
    while (found := read_segment(data, at)) is not None and found[0] != _TILE:
        marker, end = found
        if marker in _KEPT_2000:
            parts.append(data[at:end])
        elif marker != _COMMENT:
            return None
        at = end
    tiles = at
    while (found := read_segment(data, at)) is not None and found[0] == _TILE:
        end = at + int.from_bytes(data[at + 6 : at + 10], "big")
        if not _is_bare(data, found[1], end):
            return None
        at = end
    if at == tiles or data[at : at + 2] != _END_2000:
        return None
    return b"".join([*parts, data[tiles : at + 2]])


def _is_bare(data: bytes, at: int, end: int) -> bool:
    """A tile's header, up to its data, holds nothing but what decodes it."""
    if not at < end <= len(data):
        return False
    while data[at : at + 2] != bytes((0xFF, _DATA)):
        found = read_segment(data, at)
        if found is None or found[0] not in _KEPT_2000 or found[1] > end:
            return False
        at = found[1]
    return True


def read_segment(data: bytes, at: int) -> tuple[int, int] | None:
    """Return marker and end of the segment at `at`; None where there is none within the data."""
    if at + 4 > len(data) or data[at] != 0xFF:
        return None
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return (data[at + 1], end) if at + 4 <= end <= len(data) else None
