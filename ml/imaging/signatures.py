"""File signatures: what a file is, told from its first bytes; its name and the browser's claim never count."""

from typing import Final

_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")

_SIGNATURES: Final = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_UNKNOWN: Final = "of a kind this portal doesn't know"
# (offset, bytes, the words a person knows it by); the first match wins.
_OTHER_SIGNATURES: Final = (
    (0, b"GIF8", "a GIF image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"PK\x03\x04", "a ZIP or Office file"),
    (0, b"FUJIFILM", "a camera raw file"),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"MZ", "a program"),
    (0, b"\x7fELF", "a program"),
    (0, b"\x00\x00\x01\x00", "an icon file"),
    (0, b"BM", "a BMP image"),
)


def find_format(data: bytes) -> str | None:
    """Return JPEG, PNG, WEBP, TIFF, HEIC or DICOM; None when the first bytes are of none of them."""
    # First: whatever else its preamble makes of it, this is what it is judged as.
    if data[128:132] == b"DICM":
        return "DICOM"
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        # "CR" marks a Canon raw file.
        return None if data[8:10] == b"CR" else "TIFF"
    if data[4:8] == b"ftyp" and _is_heic(data):
        return "HEIC"
    return None


def describe_content(data: bytes) -> str:
    """Name unsupported content in words, "a PDF document", for a message; never quotes the data."""
    for offset, signature, name in _OTHER_SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return name
    if data[4:8] == b"ftyp":
        brands = _read_brands(data)
        return "an AVIF image" if {b"avif", b"avis"} & set(brands) else "a video"
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return "a camera raw file"
    return _describe_text(data[:4096].lower())


def describe_start(start: bytes) -> str | None:
    """Name what the first bytes of something else look like, in words; None when they tell nothing."""
    if name := find_format(start):
        return f"a {name} image"
    if start.startswith(b"#!"):
        return "a program"
    words = describe_content(start)
    return None if words == _UNKNOWN else words


def _describe_text(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "a web page"
    if text.startswith(b"<?xml"):
        return "an XML document"
    if text and all(byte >= 32 or byte in b"\t\r\n" for byte in text):
        return "a text file"
    return _UNKNOWN


def _is_heic(data: bytes) -> bool:
    brands = _read_brands(data)
    if b"avif" in brands or b"avis" in brands:
        return False
    return any(brand in brands for brand in _HEIC_BRANDS)


def _read_brands(data: bytes) -> list[bytes]:
    """Return the major and the compatible brands of an ISO base media file's first box."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 512)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
