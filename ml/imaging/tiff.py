"""A TIFF's layout, read from its directories without decoding: sizes, pages, and whether it is whole.

Pillow checks a TIFF's size only after it has opened it and counts pages by reading every tag of
each; a hostile file makes both dear.
"""

import struct
from dataclasses import dataclass
from typing import Final

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
