"""A small file that would become a large one is refused before it does."""

import struct
import tracemalloc

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from tests.classifier.dicom.gate import PICTURE, refuse
from tests.classifier.dicom.samples import SYNTAXES, build_dicom, describe, write
from tests.classifier.intake.samples import encode


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_size_beyond_the_limit_is_told_from_the_header(name):
    error = refuse(build_dicom(PICTURE, SYNTAXES[name], Rows=65_000, Columns=65_000))
    assert error.code == "too_many_pixels"
    assert "at most 60.0 million" in error.message


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless], ids=["jpeg", "jpeg2000"])
def test_a_picture_within_that_is_larger_than_the_header_says(syntax, monkeypatch):
    """The bomb: 61×48 outside, 65,000×65,000 inside. It is refused before a pixel is decoded."""
    dataset = describe(PICTURE, syntax)
    name, options = ("JPEG", {}) if syntax == JPEGBaseline8Bit else ("JPEG2000", {"no_jp2": True})
    frame = bytearray(encode(PICTURE, name, **options))
    if name == "JPEG":
        at = frame.index(b"\xff\xc0")
        frame[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    else:
        frame[8:16] = struct.pack(">LL", 65_000, 65_000)
    dataset.PixelData = encapsulate([bytes(frame)])
    data = write(dataset)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    assert refuse(data).code == "corrupt"


def test_runs_are_not_expanded_beyond_the_picture():
    dataset = describe(PICTURE, RLELossless)
    bomb = b"\x81\xff" * 500_000  # 64 MB
    header = struct.pack("<16L", 3, 64, 64 + len(bomb), 64 + 2 * len(bomb), *[0] * 12)
    dataset.PixelData = encapsulate([header + bomb * 3])
    data = write(dataset)
    tracemalloc.start()
    assert refuse(data).code == "corrupt"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * len(data), "a few copies of the file, and nothing of 64 MB"


def test_too_deep():
    inner = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.ReferencedStudySequence = [inner]
        outer["ReferencedStudySequence"].is_undefined_length = True
        inner = outer
    dataset = describe(PICTURE)
    dataset.update(inner)
    error = refuse(write(dataset))
    assert error.code == "corrupt"
    assert "deeper than 8" in error.message


def test_too_many_elements():
    data = build_dicom(PICTURE)
    picture = data.index(b"\xe0\x7f\x10\x00OW")
    more = b"".join(
        struct.pack("<HH2sH", 0x0029, number, b"UN"[:2], 0) + bytes(4) for number in range(0x1000, 0x4000)
    )
    error = refuse(data[:picture] + more + data[picture:])
    assert error.code == "corrupt"
    assert "10,000" in error.message
