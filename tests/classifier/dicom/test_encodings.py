"""Pictures stored in a way that isn't decoded are refused, and the way is named."""

import struct

import numpy as np
import pytest

from tests.classifier.dicom.gate import PICTURE, refuse
from tests.classifier.dicom.samples import build_dicom, describe, put_pixels, write


@pytest.mark.parametrize(
    ("syntax", "word"),
    [
        ("1.2.840.10008.1.2.1.99", "Deflated"),
        ("1.2.840.10008.1.2.2", "Big Endian"),
        ("1.2.840.10008.1.2.4.70", "JPEG Lossless"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.3.4", "unknown"),
    ],
)
def test_other_ways_of_storing_are_named(syntax, word):
    data = build_dicom(PICTURE)
    own = b"1.2.840.10008.1.2.1\0"
    at = data.index(own)
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    patched = data[: at - 2] + struct.pack("<H", len(value)) + value + data[at + len(own) :]
    error = refuse(patched)
    assert error.code == "unsupported_format"
    assert word in error.message
    assert "JPEG" in error.message


@pytest.mark.parametrize(
    "changes",
    [
        {"PhotometricInterpretation": "CMYK"},
        {"SamplesPerPixel": 4},
        {"BitsAllocated": 32},
        {"BitsStored": 7, "HighBit": 6},
        {"PixelRepresentation": 1},
        {"PlanarConfiguration": 7},
        {"PhotometricInterpretation": "YBR_ICT"},
    ],
    ids=str,
)
def test_other_colours(changes):
    assert refuse(build_dicom(PICTURE, **changes)).code == "unsupported_format"


def test_a_palette_that_is_not_there():
    dataset = describe(PICTURE)
    put_pixels(dataset, np.zeros((48, 61), np.uint8), "PALETTE COLOR")
    assert refuse(write(dataset)).code in ("unsupported_format", "corrupt")
    dataset.RedPaletteColorLookupTableDescriptor = [256, 0, 8]
    dataset.RedPaletteColorLookupTableData = bytes(10)
    assert refuse(write(dataset)).code == "corrupt"


def test_a_transfer_syntax_told_twice():
    """Else one reader could take the first and another the second: deflated, and of any size."""
    data = build_dicom(PICTURE)
    at = data.index(b"\x02\0\x10\0UI")
    again = b"\x02\0\x10\0UI" + struct.pack("<H", 22) + b"1.2.840.10008.1.2.1.99"
    assert refuse(data[:at] + again + data[at:]).code == "corrupt"
