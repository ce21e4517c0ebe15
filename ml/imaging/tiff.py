"""TIFF layout: which page is the picture, how its samples are stored, and what the decoder would misread.

Pillow opens more kinds of TIFF than it reads rightly: it forgets to turn deep grey whose 0 is white,
takes planes of 16 bits for bytes and follows no count of bytes. What it reads rightly it is given;
some is put in the form that it reads; the rest is refused (`tests/ml/imaging/test_tiff.py` holds each
combination of tags against samples that are known).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImagePalette
from PIL.TiffImagePlugin import TiffImageFile

from ml.imaging.colour import ColourSpace, read_exif_space, refuse_colours, walk_bands
from ml.imaging.errors import UndecodableImageError

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _MEANING = 254, 255, 256, 257, 258, 259, 262
_FILL_ORDER, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _STRIP_ROWS, _STRIP_COUNTS = 266, 273, 274, 277, 278, 279
_PLANAR, _TRANSFER, _PREDICTOR, _COLOUR_MAP = 284, 301, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_INK_SET, _EXTRA, _FORMAT, _LUMA, _SUBSAMPLING, _REFERENCE = 332, 338, 339, 529, 530, 532
_WHITE_POINT, _PRIMARIES, _PROFILE, _EXIF, _INTEROP, _DNG_VERSION = 318, 319, 34675, 34665, 40965, 50706
_READ: Final = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _MEANING, _FILL_ORDER, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES}
    | {_STRIP_ROWS, _STRIP_COUNTS, _PLANAR, _TRANSFER, _PREDICTOR, _COLOUR_MAP}
    | {_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _INK_SET, _EXTRA, _FORMAT, _LUMA}
    | {_SUBSAMPLING, _REFERENCE, _WHITE_POINT, _PRIMARIES, _EXIF}
)
_NUMBERS: Final = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"}
_RATIONAL: Final = 5
_MAX_TAGS: Final = 4096
# In the lists of one page: of its parts most of all, twice as many as a picture of 120 million pixels has.
_MAX_NUMBERS: Final = 1 << 21
# In the lists of EXIF, which Pillow reads number by number; a camera writes some hundred.
_MAX_EXIF_NUMBERS: Final = 1 << 16
_BYTES_AND_TEXTS: Final = frozenset({1, 2, 7})
# Tags are sorted by number, and those that tell a subfile's kind have the lowest.
_FIRST_TAGS: Final = 8

_GREY, _RGB, _PALETTE, _INK, _LUMA_CHROMA, _LAB = frozenset({0, 1}), 2, 3, 5, 6, 8
_RAW_MEANINGS: Final = frozenset({32803, 34892})
_UNCOMPRESSED, _JPEG, _DEFLATE = 1, 7, 8
# CCITT, LZW, JPEG, deflate and PackBits; the others no decoder here was built with.
_COMPRESSIONS: Final = frozenset({_UNCOMPRESSED, 2, 3, 4, 5, _JPEG, _DEFLATE, 32773, 32946})
_NAMES: Final = {
    6: "old-style JPEG",
    9: "JBIG",
    10: "JBIG",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34676: "LogLuv",
    34677: "LogLuv",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_UNSIGNED, _FLOATING = 1, 3
_COLOURS: Final = {0: 1, 1: 1, _RGB: 3, _PALETTE: 1, _INK: 4, _LUMA_CHROMA: 3, _LAB: 3}
# Of a picture without a transfer function; TIFF 6.0 means a gamma of 2.2, which is nearly sRGB's curve.
_MIDDLE_LIGHT: Final = (0.18, 0.25)
_BT601: Final = (0.299, 0.587, 0.114)
_FULL_RANGE: Final = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """One page, and how many there are beside it.

    `size` is the image's (width, height) as stored, `largest` also covers that of its tiles. `frames`
    counts pages; a reduced copy of another page is none. `at`: where the page's directory begins.
    """

    size: tuple[int, int]
    largest: tuple[int, int]
    orientation: int
    frames: int
    whole: bool
    raw: bool
    at: int
    directory: "Directory"


@dataclass(frozen=True, slots=True)
class Directory:
    """The tags of one page. `places`: where the value of a tag of one number stands, and its bytes."""

    order: str
    big: bool
    tags: dict[int, tuple[Any, ...]]
    present: frozenset[int]
    places: dict[int, tuple[int, int]]
    following: int

    def first(self, tag: int, default: int = 0) -> int:
        """Return the first number of a tag, `default` where there is none."""
        values = self.tags.get(tag)
        return int(values[0]) if values else default


def read_tiff_layout(data: bytes, max_frames: int) -> TiffLayout:
    """Read the directory of the first page that is no thumbnail, and count the pages.

    Raises:
        UndecodableImageError: unsupported_format for endless lists, which would fill the memory.
        struct.error, ValueError: when the directories don't lie within the file.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    (start,) = struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
    places = [start]
    following = _read_following(data, start, order, big=big)
    while following and following not in places and len(places) < max_frames:
        places.append(following)
        following = _read_following(data, following, order, big=big)
    pages = [at for at in places if not _is_reduced(data, at, order, big=big)] or places
    page = _read_directory(data, pages[0], order, big=big)
    opening = page if pages[0] == start else _read_directory(data, start, order, big=big)
    size = (page.first(_WIDTH), page.first(_HEIGHT))
    orientation = page.first(_ORIENTATION)
    return TiffLayout(
        size,
        (max(size[0], page.first(_TILE_WIDTH)), max(size[1], page.first(_TILE_HEIGHT))),
        orientation if 1 <= orientation <= 8 else 1,
        frames=len(pages),
        whole=_is_whole(page, len(data)),
        raw=_DNG_VERSION in opening.present or page.first(_MEANING) in _RAW_MEANINGS,
        at=pages[0],
        directory=page,
    )


def _is_whole(page: Directory, size: int) -> bool:
    """Every strip or tile lies within the file, and none is missing from the list."""
    offsets, counts = _find_pieces(page)
    if len(offsets) == 1 and not counts:
        return offsets[0] < size  # a single strip may leave its length out
    return len(offsets) == len(counts) and all(
        offset + count <= size for offset, count in zip(offsets, counts, strict=True)
    )


def _find_pieces(page: Directory) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the tiles, or else the strips, begin, and their bytes."""
    tags = page.tags
    return (
        tags.get(_TILE_OFFSETS) or tags.get(_STRIP_OFFSETS) or (),
        tags.get(_TILE_COUNTS) or tags.get(_STRIP_COUNTS) or (),
    )


def _read_directory(data: bytes, at: int, order: str, *, big: bool) -> Directory:
    tags: dict[int, tuple[Any, ...]] = {}
    places: dict[int, tuple[int, int]] = {}
    present = set()
    numbers = 0
    value_size = 8 if big else 4
    for tag, kind, number, where in _walk_entries(data, at, order, big=big, most=_MAX_TAGS):
        present.add(tag)
        letter = _NUMBERS.get(kind) or ("L" if kind == _RATIONAL else None)
        if letter is None or not number:
            continue
        count = 2 * number if kind == _RATIONAL else number
        length, start = count * struct.calcsize("=" + letter), where
        if length > value_size:
            (start,) = struct.unpack_from(order + ("Q" if big else "L"), data, where)
        if start + length > len(data):
            message = f"expected {length} bytes of tag {tag}, received the end of file"
            raise ValueError(message)
        if tag not in _READ:
            continue
        numbers += count
        if numbers > _MAX_NUMBERS:
            raise _refuse(f"in lists of more than {_MAX_NUMBERS:,} numbers")
        values = struct.unpack_from(f"{order}{count}{letter}", data, start)
        if kind == _RATIONAL:
            values = tuple(a / b if b else 0.0 for a, b in zip(values[::2], values[1::2], strict=True))
        tags[tag] = values
        places[tag] = (start, length)
    return Directory(order, big, tags, frozenset(present), places, _read_following(data, at, order, big=big))


def _walk_entries(
    data: bytes, at: int, order: str, *, big: bool, most: int
) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type and count of each entry, and where its value or the offset of it stands."""
    count_format, entry, value_size, offset = ("Q", 20, 8, "Q") if big else ("H", 12, 4, "L")
    (count,) = struct.unpack_from(order + count_format, data, at)
    if count > _MAX_TAGS:
        message = f"expected at most {_MAX_TAGS} tags, received {count}"
        raise ValueError(message)
    at += struct.calcsize(count_format)
    for _ in range(min(count, most)):
        tag, kind, number = struct.unpack_from(order + "HH" + offset, data, at)
        yield tag, kind, number, at + entry - value_size
        at += entry


def _is_reduced(data: bytes, at: int, order: str, *, big: bool) -> bool:
    """Whether a directory says that it is a smaller copy of another: a thumbnail."""
    for tag, kind, number, where in _walk_entries(data, at, order, big=big, most=_FIRST_TAGS):
        if tag in (_SUBFILE, _OLD_SUBFILE) and kind in (3, 4) and number == 1:
            (value,) = struct.unpack_from(order + _NUMBERS[kind], data, where)
            return bool(value & 1) if tag == _SUBFILE else value == 2
    return False


def _read_following(data: bytes, at: int, order: str, *, big: bool) -> int:
    """Skip over a directory's entries to the offset of the next one; 0 where there is none."""
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 + 20 * count if big else 2 + 12 * count
    letter = order + ("Q" if big else "L")
    # Some writers leave out the last directory's zero.
    if at + struct.calcsize(letter) > len(data):
        return 0
    value: int = struct.unpack_from(letter, data, at)[0]
    return value


# --- The form of the samples


@dataclass(frozen=True, slots=True)
class _Form:
    """How one page stores its samples, defaults filled in; `bits` and `format` are of every sample."""

    size: tuple[int, int]
    meaning: int
    bits: int
    samples: int
    extra: tuple[int, ...]
    format: int
    compression: int
    planar: bool
    piece: tuple[int, int]

    @property
    def is_deep_grey(self) -> bool:
        return self.meaning in _GREY and self.samples == 1 and (self.bits > 8 or self.format == _FLOATING)

    @property
    def piece_bytes(self) -> int:
        """Bytes of one strip or tile once it is unpacked."""
        each = 1 if self.planar else self.samples
        return (self.piece[0] * each * self.bits + 7) // 8 * self.piece[1]


def _read_form(layout: TiffLayout) -> _Form:
    """Raises UndecodableImageError (unsupported_format) where samples are of several kinds."""
    page = layout.directory
    meaning, compression = page.first(_MEANING), page.first(_COMPRESSION, 1)
    samples = page.first(_SAMPLES, 1)
    bits = page.tags.get(_BITS, (1,))[: max(samples, 1)]
    formats = page.tags.get(_FORMAT, (_UNSIGNED,))
    if len(set(bits)) != 1 or len(set(formats)) != 1 or not 1 <= samples <= 6:
        raise _refuse("in samples of several kinds")
    width, height = layout.size
    if page.tags.get(_TILE_OFFSETS):
        piece = (page.first(_TILE_WIDTH), page.first(_TILE_HEIGHT))
    else:
        piece = (width, min(page.first(_STRIP_ROWS, height) or height, height))
    if min(*piece, width, height) < 1:
        raise ValueError("expected a size, received none")
    return _Form(
        layout.size,
        meaning,
        int(bits[0]),
        samples,
        tuple(page.tags.get(_EXTRA, ())),
        int(formats[0]),
        compression,
        page.first(_PLANAR, 1) == 2,
        piece,
    )


def _check_form(form: _Form, page: Directory) -> None:
    """Refuse what the decoder would misread; raises UndecodableImageError, unsupported_format."""
    is_packed = form.compression != _UNCOMPRESSED
    is_split = form.planar and form.samples > 1
    name = _NAMES.get(form.compression, f"a compression of number {form.compression}")
    faults = (
        (form.compression not in _COMPRESSIONS, f"packed by {name}"),
        (form.meaning not in _COLOURS, "in a colour model of another kind"),
        (
            form.format != _UNSIGNED and not (form.format == _FLOATING and form.is_deep_grey),
            "in signed, complex or floating numbers",
        ),
        (
            form.format == _FLOATING and is_packed and page.order == ">",
            "in packed floating numbers of the other byte order",
        ),
        (form.format == _UNSIGNED and form.bits > 16, f"in whole numbers of {form.bits} bits"),
        (form.bits > 8 and page.first(_FILL_ORDER, 1) != 1, "with its bits in another order"),
        (form.compression == _JPEG and (form.bits != 8 or form.planar), "in a rare kind of JPEG"),
        (
            is_packed and page.first(_PREDICTOR, 1) != 1 and form.bits not in (8, 16, 32),
            "as differences of fractions of a byte",
        ),
        (
            form.meaning == _INK and page.first(_INK_SET, 1) != 1,
            "in inks other than cyan, magenta, yellow and black",
        ),
        (
            is_split
            and (
                form.bits not in (8, 16)
                or form.meaning not in (_RGB, _INK)
                or (not is_packed and page.first(_FILL_ORDER, 1) != 1)
            ),
            "in separate planes of a rare kind",
        ),
        (
            form.meaning == _LUMA_CHROMA and not is_packed and not _has_plain_luma(page),
            "in luma and chroma of different resolution",
        ),
    )
    for is_fault, how in faults:
        if is_fault:
            raise _refuse(how)


def _has_plain_luma(page: Directory) -> bool:
    """Whether luma and chroma are what Pillow takes uncompressed ones for: of full size and range."""
    told = page.tags.get(_LUMA, _BT601)
    is_usual = len(told) == 3 and all(abs(a - b) < 0.001 for a, b in zip(told, _BT601, strict=True))
    return (
        is_usual
        and page.tags.get(_SUBSAMPLING, (2, 2)) == (1, 1)
        and page.tags.get(_REFERENCE, _FULL_RANGE) == _FULL_RANGE
    )


def _check_pieces(form: _Form, page: Directory) -> None:
    """Refuse a list of strips or tiles that isn't the picture's: uncompressed, all would be taken.

    Raises UndecodableImageError: corrupt.
    """
    offsets, counts = _find_pieces(page)
    across, down = (-(-side // part) for side, part in zip(form.size, form.piece, strict=True))
    wanted = across * down * (form.samples if form.planar else 1)
    is_short = False
    if form.compression == _UNCOMPRESSED and counts:
        rows = (
            form.size[1] - (down - 1) * form.piece[1] if not page.tags.get(_TILE_OFFSETS) else form.piece[1]
        )
        last = form.piece_bytes // form.piece[1] * rows
        # Some writers leave every count at 0; then the parts are as long as they have to be.
        is_short = any(counts) and any(
            count < (last if (index + 1) % (across * down) == 0 else form.piece_bytes)
            for index, count in enumerate(counts)
        )
    # libtiff passes over what is listed beyond the picture; Pillow would paint it over the beginning.
    is_listed = len(offsets) == wanted or (len(offsets) > wanted and form.compression != _UNCOMPRESSED)
    if not is_listed or is_short:
        message = "This TIFF file's list of its parts is wrong, so it can't be read. Export the photo again."
        raise UndecodableImageError("corrupt", message)


def _refuse(how: str) -> UndecodableImageError:
    message = f"This TIFF file stores its picture {how}, which can't be read here; save it as 8-bit RGB."
    return UndecodableImageError("unsupported_format", message)


# --- The picture


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """A page that is opened but not turned: its pixels, their colour space, and the rest of their meaning.

    `space` as `ml.imaging.colour.convert_to_srgb` takes it, like `white` and `inverted`. `is_turned`:
    whether the image turns itself upright as it loads.
    """

    image: Image.Image
    space: ColourSpace | None
    white: int
    inverted: bool
    is_turned: bool


def find_tiff_cost(layout: TiffLayout) -> float:
    """Return how many bytes a pixel decoding takes at most: one unpacked strip or tile, and the image."""
    form = _read_form(layout)
    return 4 + form.piece_bytes / max(form.size[0] * form.size[1], 1)


def open_tiff(data: bytes, layout: TiffLayout) -> TiffPicture:
    """Open the page, decoding nothing yet, but for separate planes.

    Raises:
        UndecodableImageError: unsupported_format for what would be misread; corrupt.
    """
    page, form = layout.directory, _read_form(layout)
    _check_form(form, page)
    _check_pieces(form, page)
    is_inverted = form.is_deep_grey and form.meaning == 0
    is_assembled = form.planar and form.samples > 1 and form.compression == _UNCOMPRESSED
    changes = {_MEANING: 1} if is_inverted else {}
    if form.planar and form.samples == 1:
        changes[_PLANAR] = 1
    if is_assembled:
        changes[_COMPRESSION] = _DEFLATE  # opened for what it says beside its pixels, never decoded
    image = TiffImageFile(_rewrite(data, layout, changes))
    _mend_palette(image, page)
    space = None if _PROFILE in page.present else _read_space(image, page, data)
    white = (1 << form.bits) - 1 if form.is_deep_grey and form.format == _UNSIGNED else 65535
    if is_assembled:
        profile = image.info.get("icc_profile")
        image.close()
        planes = _read_planes(data, layout, form)
        planes.info["icc_profile"] = profile
        return TiffPicture(planes, space, white, inverted=False, is_turned=False)
    return TiffPicture(image, space, white, inverted=is_inverted, is_turned=True)


def _rewrite(data: bytes, layout: TiffLayout, wanted: dict[int, int]) -> BytesIO:
    """The file with this page first, and with other numbers in some of its tags."""
    page = layout.directory
    order: Any = "little" if page.order == "<" else "big"
    start, size = (8, 8) if page.big else (4, 4)
    changes = {start: layout.at.to_bytes(size, order)}
    for tag, value in wanted.items():
        if tag not in page.places:
            raise _refuse("without saying how")
        at, length = page.places[tag]
        changes[at] = value.to_bytes(length, order)
    stream = BytesIO(data)
    for place, written in changes.items():
        if data[place : place + len(written)] != written:
            stream.seek(place)
            stream.write(written)
    stream.seek(0)
    return stream


def _mend_palette(image: TiffImageFile, page: Directory) -> None:
    """Some writers put bytes where 16 bits belong, and every colour would be black."""
    entries = page.tags.get(_COLOUR_MAP, ())
    if image.palette is not None and entries and 0 < max(entries) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(entries))


def _read_space(image: TiffImageFile, page: Directory, data: bytes) -> ColourSpace | None:
    """Raises UndecodableImageError: unsupported_format for a curve that is not about sRGB's."""
    transfer = page.tags.get(_TRANSFER, ())
    if transfer:
        steps = len(transfer) // 3 if len(transfer) % 3 == 0 else len(transfer)
        if not _MIDDLE_LIGHT[0] <= transfer[steps // 2] / 65535 <= _MIDDLE_LIGHT[1]:
            raise refuse_colours("by a curve of their own")
    # White point and primaries are tags of EXIF too, and those of a TIFF are its own.
    return read_exif_space(image.getexif()) if _has_short_exif(page, data) else None


def _has_short_exif(page: Directory, data: bytes) -> bool:
    """Whether the tags of colours, here and in the directories of EXIF, hold no endless lists."""
    numbers = sum(len(page.tags.get(tag, ())) for tag in (_WHITE_POINT, _PRIMARIES))
    at = page.first(_EXIF)
    for _ in ("EXIF", "interoperability"):
        if not 0 < at < len(data):
            break
        following = 0
        try:
            for tag, kind, number, where in _walk_entries(data, at, page.order, big=page.big, most=_MAX_TAGS):
                numbers += 0 if kind in _BYTES_AND_TEXTS else number
                if tag == _INTEROP and kind in _NUMBERS and number == 1:
                    (following,) = struct.unpack_from(page.order + _NUMBERS[kind], data, where)
        except (struct.error, ValueError):
            return False
        at = following
    return numbers <= _MAX_EXIF_NUMBERS


_MODES: Final[dict[tuple[int, tuple[int, ...]], str]] = {
    (_RGB, ()): "RGB",
    (_RGB, (1,)): "RGBa",
    (_RGB, (2,)): "RGBA",
    (_INK, ()): "CMYK",
}


def _read_planes(data: bytes, layout: TiffLayout, form: _Form) -> Image.Image:
    """One uncompressed plane a sample, 8 or 16 bits, brought to 8; unspecified extra ones are left out.

    Raises UndecodableImageError: unsupported_format.
    """
    alpha = tuple(kind for kind in form.extra[:1] if kind)
    if form.meaning == _RGB and form.samples == 4 and not form.extra:
        alpha = (2,)
    mode = _MODES.get((form.meaning, alpha))
    if mode is None or any(form.extra[1:]):
        raise _refuse("in separate planes of a rare kind")
    offsets, _ = _find_pieces(layout.directory)
    each = len(offsets) // form.samples
    planes = [
        _read_plane(data, offsets[each * index : each * (index + 1)], form, layout.directory)
        for index in range(len(mode))
    ]
    return Image.merge(mode, planes)


def _read_plane(data: bytes, offsets: tuple[int, ...], form: _Form, page: Directory) -> Image.Image:
    (width, height), (across, down) = form.size, form.piece
    plane = Image.new("L", form.size)
    kind = np.dtype(np.uint8 if form.bits == 8 else page.order + "u2")
    left = upper = 0
    is_tiled = bool(page.tags.get(_TILE_OFFSETS))
    for offset in offsets:
        rows = down if is_tiled else min(down, height - upper)
        values: npt.NDArray[Any] = np.frombuffer(data, kind, across * rows, offset).reshape(rows, across)
        for box in walk_bands((across, rows)):
            part = values[box[1] : box[3]]
            if form.bits == 16:
                part = (part.astype(np.uint32) + 128) // 257
            plane.paste(Image.fromarray(part.astype(np.uint8)), (left, upper + box[1]))
        left += across
        if left >= width:
            left, upper = 0, upper + down
    return plane
