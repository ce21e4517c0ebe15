"""A JPEG with nothing in it but the picture: its tables, its frame and its scans.

Comments and application segments are where names stand. What they tell the decoder about colours is
written anew, in the few bytes that it takes.
"""

import re
from typing import Final

# Baseline, extended and progressive frames; Huffman and quantisation tables; restart interval.
_KEPT: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD})
_DROPPED: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
_SCAN, _END = 0xDA, 0xD9
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
        if data[at : at + 2] == bytes((0xFF, _END)):
            return b"".join([*parts, data[at : at + 2]])
    return None


def _renew(segment: bytes) -> bytes:
    if segment[1] == 0xE0 and segment[4:9] == b"JFIF\0":
        return _JFIF
    if segment[1] == 0xEE and segment[4:9] == b"Adobe" and len(segment) >= 16:
        return _ADOBE + segment[15:16]
    return b""
