"""PNG chunks: what a file says of its colours and orientation, and the file without texts.

Pillow reads every text on the way to the picture and calls a file broken whose text or profile is
larger than a megabyte once unpacked. Neither is its picture's fault. And it decodes the picture to look
for an orientation behind it, before anybody has asked how large the picture is.
"""

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from PIL.PngImagePlugin import PngImageFile

from ml.imaging.colour import ColourSpace, read_code_points, read_gamma, refuse_colours
from ml.imaging.errors import UndecodableImageError

_START: Final = 8
_PICTURE: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"})
_TOLD: Final = frozenset({b"IHDR", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
# How ImageMagick keeps EXIF, and with it the orientation, in files from before `eXIf` existed.
_TEXTS: Final = frozenset({b"tEXt", b"zTXt"})
_OLD_EXIF: Final = b"Raw profile type exif\0"
_MAX_TEXT: Final = 1 << 20
MAX_PROFILE: Final = 16 << 20
"""Bytes of an unpacked ICC profile; those of printing presses have two or three million."""
_GREY: Final = 0


@dataclass(frozen=True, slots=True)
class PngLayout:
    """`picture`: the file without texts, colours and EXIF. `told`: the bodies of the chunks that tell colours.

    `exif`: the block, from before or behind the picture; empty without one. `depth` in bits of a sample and `kind`, the colour type; both 0 where the file has no header.
    """

    picture: bytes
    told: dict[bytes, bytes]
    exif: bytes
    depth: int
    kind: int


def read_png_layout(data: bytes) -> PngLayout:
    """Walk the chunks of a PNG; what lies behind a broken one is left for the decoder to refuse."""
    kept, at = [data[:_START]], _START
    told: dict[bytes, bytes] = {}
    exif, old_exif = b"", None
    while at + 12 <= len(data):
        kind, length = data[at + 4 : at + 8], int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _TOLD:
            told.setdefault(kind, data[at + 8 : end - 4])
        if kind in _PICTURE:
            kept.append(data[at:end])
        elif kind == b"eXIf":
            exif = exif or data[at + 8 : end - 4]
        elif kind in _TEXTS and old_exif is None and data.startswith(_OLD_EXIF, at + 8):
            old_exif = _read_old_exif(kind, data[at + 8 + len(_OLD_EXIF) : end - 4])
        at = end
        if kind == b"IEND":
            break
    if kept[-1][4:8] != b"IEND":
        kept.append(data[at:])
    header = told.get(b"IHDR", b"")
    depth, colour = (header[8], header[9]) if len(header) >= 10 else (0, 0)
    return PngLayout(b"".join(kept), told, exif or old_exif or b"", depth, colour)


def is_png_whole(data: bytes) -> bool:
    """The chunks reach IEND within the file."""
    at = _START
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def open_png(layout: PngLayout) -> PngImageFile:
    """Open the picture, decoding nothing; raises what Pillow raises."""
    image = PngImageFile(BytesIO(layout.picture))
    image.info["exif"] = layout.exif
    # The transparent colour is told in the file's own depth, and Pillow takes it for 8 bits.
    told: Any = image.info.get("transparency")
    if layout.depth == 16 and told is not None and not isinstance(told, bytes):
        del image.info["transparency"]  # one exact colour of 2 to the 48th: nothing to see through
    elif layout.kind == _GREY and layout.depth in (2, 4) and isinstance(told, int):
        image.info["transparency"] = told * 255 // ((1 << layout.depth) - 1)
    return image


def open_low_bytes(layout: PngLayout) -> PngImageFile | None:
    """Open the lower bytes of 16-bit colours, of which Pillow reads the higher ones; None for others."""
    image = open_png(layout)
    lower = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}.get(str(image.tile[0].args) if image.tile else "")
    if lower is None:
        return None
    image.tile = [one._replace(args=lower) for one in image.tile]
    return image


def read_png_colours(layout: PngLayout) -> bytes | ColourSpace | None:
    """Return the ICC profile or the colour space; None for sRGB. The first that is there counts:
    cICP, iCCP, sRGB, gAMA with cHRM (PNG 3, 4.3).

    Raises:
        UndecodableImageError: unsupported_format.
    """
    told = layout.told
    points = told.get(b"cICP", b"")
    if len(points) == 4:
        primaries, transfer, matrix, is_full = points
        if matrix or not is_full:
            raise refuse_colours("as video does (narrow range, or luma and chroma)")
        return read_code_points(primaries, transfer)
    if b"iCCP" in told:
        return _unpack_profile(told[b"iCCP"])
    if b"sRGB" in told:
        return None
    gamma, corners = told.get(b"gAMA", b""), told.get(b"cHRM", b"")
    figures = tuple(int.from_bytes(corners[at : at + 4], "big") / 100_000 for at in range(0, 32, 4))
    return read_gamma(
        int.from_bytes(gamma[:4], "big") / 100_000 if len(gamma) >= 4 else None,
        figures if len(corners) >= 32 else None,  # type: ignore[arg-type]  # eight of them
    )


def _unpack_profile(body: bytes) -> bytes | None:
    """The profile behind a name, a zero and a zero; None for a broken one, which is passed over."""
    name, _, packed = body.partition(b"\0")
    if not name or packed[:1] != b"\0":
        return None
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], MAX_PROFILE)
    except zlib.error:
        return None
    if unpacker.unconsumed_tail:
        message = (
            f"The colour profile in this PNG file has more than {MAX_PROFILE >> 20} MB. "
            "Save the picture in sRGB, or as JPEG."
        )
        raise UndecodableImageError("unsupported_format", message)
    return profile


def _read_old_exif(kind: bytes, text: bytes) -> bytes:
    """The EXIF block of a text: three lines (empty, its name, its length), then hexadecimal digits."""
    try:
        if kind == b"zTXt":
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(text[1:], _MAX_TEXT)
            if unpacker.unconsumed_tail:
                return b""
        return bytes.fromhex("".join(text[:_MAX_TEXT].decode("ascii").split("\n")[3:]))
    except (zlib.error, ValueError):
        return b""
