"""DICOM file structure: walked from first byte to last, within limits, without reading a value.

pydicom forgives: it reads a file that ends early, skips what follows the picture and follows
sequences as deep as they go. So what it is given has been walked here; and where the picture's
bytes lie is told by this walk.
"""

from dataclasses import dataclass
from typing import Final

from ml.imaging.errors import UndecodableImageError
from ml.imaging.signatures import describe_start

MAX_ELEMENTS: Final = 10_000
"""Elements, items and fragments of one file; photographs have a few hundred."""
MAX_DEPTH: Final = 8
"""Sequences within sequences; photographs nest two or three."""

UNDEFINED: Final = 0xFFFFFFFF
_LONG: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_SHORT: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL"}
    | {b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_PIXELS: Final = (0x7FE0, 0x0010)
_PADDING: Final = b"\xfc\xff\xfc\xff"
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)


@dataclass(slots=True)
class DicomElement:
    """One element: tag, value representation (`kind`), where its value starts and its length in bytes."""

    tag: tuple[int, int]
    kind: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind the value."""
        return self.start + self.length


class Walk:
    """One file: counts its elements, notes where its picture lies and what stands behind it."""

    def __init__(self, data: bytes, *, implicit: bool) -> None:
        self.data = data
        self.implicit = implicit
        self.count = 0
        self.pixels: list[tuple[int, int]] = []
        self.encapsulated = False
        self.trailing = 0

    def walk_body(self, at: int) -> None:
        """Walk the elements from offset `at` to the picture; raises UndecodableImageError."""
        end, previous = len(self.data), (0, 0)
        while at < end:
            element = self.read_element(at, end)
            if element.tag <= previous:
                raise damaged("its elements are out of order")
            previous = element.tag
            if element.tag == _PIXELS:
                self._note_rest(self._note_pixels(element))
                return
            at = self._walk_value(element, depth=1, end=end)

    def _note_pixels(self, element: DicomElement) -> int:
        if element.length != UNDEFINED:
            self.pixels = [(element.start, element.end)]
            return element.end
        self.encapsulated = True
        fragments, at = self._walk_fragments(element, len(self.data))
        self.pixels = fragments[1:]  # the first only tells where the frames begin
        return at

    def _note_rest(self, at: int) -> None:
        """Behind the picture only padding may stand, and padding holds nothing."""
        rest = self.data[at:]
        head = 8 if self.implicit else 12
        told = int.from_bytes(rest[head - 4 : head], "little")
        is_padding = rest.startswith(_PADDING) and told == len(rest) - head
        if not (is_padding and not rest[head:].strip(b"\0")):
            self.trailing = len(rest)

    def _walk_value(self, element: DicomElement, *, depth: int, end: int) -> int:
        """Step over a value; return where the next element begins."""
        if element.length != UNDEFINED:
            return element.end
        if element.tag == _PIXELS:  # of an icon
            return self._walk_fragments(element, end)[1]
        return self._walk_sequence(element, depth=depth, end=end)

    def _walk_fragments(self, element: DicomElement, end: int) -> tuple[list[tuple[int, int]], int]:
        spans, at = [], element.start
        while (item := self._read_item(at, end)).tag != _SEQUENCE_END:
            if item.tag != _ITEM or item.length == UNDEFINED:
                raise damaged("its picture is of no known form")
            spans.append((item.start, item.end))
            at = item.end
        return spans, item.start

    def _walk_sequence(self, element: DicomElement, *, depth: int, end: int) -> int:
        """Items up to the delimiter; `element` has no length of its own."""
        if depth > MAX_DEPTH:
            message = (
                f"This DICOM file nests its header deeper than {MAX_DEPTH} levels, "
                "as no photograph does. Export the photo again, or send it as JPEG."
            )
            raise UndecodableImageError("corrupt", message)
        # An unknown element without a length holds a sequence written implicitly.
        outer, self.implicit = self.implicit, self.implicit or element.kind == b"UN"
        at = element.start
        while True:
            item = self._read_item(at, end)
            if item.tag == _SEQUENCE_END:
                self.implicit = outer
                return item.start
            if item.tag != _ITEM:
                raise damaged("its header is of no known form")
            if item.length == UNDEFINED:
                at = self._walk_item(item.start, depth=depth, end=end)
            else:
                self._walk_item(item.start, depth=depth, end=item.end, delimited=False)
                at = item.end

    def _walk_item(self, at: int, *, depth: int, end: int, delimited: bool = True) -> int:
        while delimited or at < end:
            if delimited and self._read_tag(at, end) == _ITEM_END:
                return self._read_item(at, end).start
            at = self._walk_value(self.read_element(at, end), depth=depth + 1, end=end)
        return at

    def _read_tag(self, at: int, end: int) -> tuple[int, int]:
        if at + 8 > end:
            raise _truncated()
        data = self.data
        return int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")

    def _read_item(self, at: int, end: int) -> DicomElement:
        tag = self._read_tag(at, end)
        length = int.from_bytes(self.data[at + 4 : at + 8], "little")
        return self._counted(DicomElement(tag, b"", at + 8, length), end)

    def read_element(self, at: int, end: int) -> DicomElement:
        """Read the head of the element at `at`, which must end by `end`; raises UndecodableImageError."""
        tag = self._read_tag(at, end)
        if self.implicit:
            length = int.from_bytes(self.data[at + 4 : at + 8], "little")
            return self._counted(DicomElement(tag, b"", at + 8, length), end)
        kind = self.data[at + 4 : at + 6]
        if kind in _SHORT:
            length = int.from_bytes(self.data[at + 6 : at + 8], "little")
            return self._counted(DicomElement(tag, kind, at + 8, length), end)
        if kind not in _LONG:
            raise damaged("its header is of no known form")
        if at + 12 > end:
            raise _truncated()
        length = int.from_bytes(self.data[at + 8 : at + 12], "little")
        return self._counted(DicomElement(tag, kind, at + 12, length), end)

    def _counted(self, element: DicomElement, end: int) -> DicomElement:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            message = (
                f"This DICOM file has more than {MAX_ELEMENTS:,} elements, as no photograph does. "
                "Export the photo again, or send it as JPEG."
            )
            raise UndecodableImageError("corrupt", message)
        if element.length != UNDEFINED and element.end > end:
            raise _truncated()
        return element


def _truncated() -> UndecodableImageError:
    message = "This DICOM file ends too early: part of it is missing. Send it again."
    return UndecodableImageError("truncated", message)


def damaged(why: str) -> UndecodableImageError:
    """Return the refusal (corrupt) of a file that breaks the standard; `why` is said to people."""
    message = f"This DICOM file is damaged: {why}. Export the photo again, or send it as JPEG."
    return UndecodableImageError("corrupt", message)


# --- The layout

IMPLICIT: Final = "1.2.840.10008.1.2"

_PREAMBLE: Final = 128
_KIND: Final = (0x0002, 0x0002)
_SYNTAX: Final = (0x0002, 0x0010)


@dataclass(frozen=True, slots=True)
class DicomMeta:
    """What the first group of the file says of the rest, and where the rest begins.

    `kind` is the SOP class and `syntax` the transfer syntax, both UIDs as they stand in the file.
    """

    kind: str
    syntax: str
    end: int


@dataclass(frozen=True, slots=True)
class DicomLayout:
    """Where things lie.

    `pixels` is the (start, end) of the native Pixel Data, or of each fragment of encapsulated ones;
    empty when there is no picture. `trailing` counts the bytes behind the picture that are no empty
    padding.
    """

    pixels: tuple[tuple[int, int], ...]
    encapsulated: bool
    trailing: int


def read_meta(data: bytes) -> DicomMeta:
    """Read group 0002: always explicit and little endian.

    Raises:
        UndecodableImageError: truncated or corrupt.
    """
    walk, at, previous = Walk(data, implicit=False), _PREAMBLE + 4, (0, 0)
    values = {_KIND: "", _SYNTAX: ""}
    while data[at : at + 2] == b"\x02\x00":
        element = walk.read_element(at, len(data))
        # In order, so that none is told twice: pydicom must read the same syntax as this walk.
        if element.length == UNDEFINED or element.tag <= previous:
            raise damaged("its header is of no known form")
        previous = element.tag
        if element.tag in values:
            value = data[element.start : element.end]
            values[element.tag] = value.rstrip(b"\0 ").decode("ascii", "replace")
        at = element.end
    return DicomMeta(values[_KIND], values[_SYNTAX], at)


def read_layout(data: bytes, meta: DicomMeta) -> DicomLayout:
    """Walk the rest of the file to its end; it has to be in little endian, explicit or implicit.

    Raises:
        UndecodableImageError: truncated or corrupt.
    """
    walk = Walk(data, implicit=meta.syntax == IMPLICIT)
    walk.walk_body(meta.end)
    return DicomLayout(tuple(walk.pixels), walk.encapsulated, walk.trailing)


def check_surroundings(data: bytes, layout: DicomLayout) -> None:
    """Refuse a file that may be something else to another reader: a program by its first 128 bytes,
    an archive by its last.

    Raises:
        UndecodableImageError: mixed_content, whatever stands there: no list of magic numbers is whole.
    """
    if layout.trailing:
        message = (
            f"{layout.trailing:,} bytes follow the picture in this DICOM file, and none may. "
            "Export the photo again, or send it as JPEG."
        )
        raise UndecodableImageError("mixed_content", message)
    preamble = data[:_PREAMBLE]
    if not preamble.strip(b"\0"):
        return
    held = describe_start(preamble) or "other data"
    message = (
        f"The first {_PREAMBLE} bytes of this DICOM file hold {held}, so that it could be opened as "
        "something else; they have to be empty. Export the photo again, or send it as JPEG."
    )
    raise UndecodableImageError("mixed_content", message)
