"""The layout of a DICOM file, walked from its first byte to its last without reading a value.

pydicom forgives: it reads a file that ends early, skips what follows the picture and follows
sequences as deep as they go. So what it is given has been walked here, within limits; and where the
picture's bytes lie is told by this walk.
"""

from dataclasses import dataclass
from typing import Final

from ml.imaging.dicom.walk import UNDEFINED, Walk, damaged
from ml.imaging.errors import UndecodableImageError
from ml.imaging.signatures import describe_start

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
