"""What is no photograph, is damaged or is also something else: refused with a code and a sentence."""

import io
import struct
import zipfile

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from classifier.intake import RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from tests.classifier.dicom.samples import SECONDARY, SYNTAXES, build_dicom, describe, put_pixels, write
from tests.classifier.intake.samples import draw_picture, encode

LIMITS = UploadLimits(min_side=8)
PICTURE = draw_picture(61, 48)


def refuse(data, limits=LIMITS):
    with pytest.raises(RejectedImageError) as caught:
        inspect_image(data, "photo.dcm", limits)
    error = caught.value
    assert error.message.endswith(".")
    assert "Quackenbush" not in error.message
    return error


# --- What it is -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT Image"),
        ("1.2.840.10008.5.1.4.1.1.6.1", "Ultrasound Image"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "Basic Text SR"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4.1", "Video Photographic"),
        ("1.2.840.10008.5.1.4.1.1.77.1.1", "VL Endoscopic"),
        ("1.2.840.10008.5.1.4.1.1.77.1.2", "VL Microscopic"),
        ("1.2.840.10008.1.3.10", "Media Storage Directory"),
        ("1.2.3.4.5", "doesn't know"),
    ],
)
def test_other_kinds_are_named(kind, word):
    error = refuse(build_dicom(PICTURE, SOPClassUID=kind))
    assert error.code == "unsupported_format"
    assert word in error.message
    assert "photo" in error.message


def test_a_directory_of_files_has_no_picture_and_no_kind_of_its_own():
    dataset = describe(PICTURE)
    del dataset.PixelData, dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    target = io.BytesIO()
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(target, enforce_file_format=True)
    assert "Media Storage Directory" in refuse(target.getvalue()).message


def test_a_scanner_screen_is_no_photograph():
    error = refuse(build_dicom(PICTURE, SOPClassUID=SECONDARY, Modality="NM"))
    assert error.code == "unsupported_format"
    assert "another device's screen" in error.message


def test_two_kinds_in_one_file():
    data = build_dicom(PICTURE)
    kind = b"1.2.840.10008.5.1.4.1.1.77.1.7"
    assert refuse(data.replace(kind, kind[:-1] + b"4", 1)).code == "corrupt"


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


def test_many_frames():
    error = refuse(build_dicom(PICTURE, NumberOfFrames=30))
    assert error.code == "animated"
    assert "holds 30 pictures" in error.message


def test_words_in_the_picture():
    error = refuse(build_dicom(PICTURE, BurnedInAnnotation="YES"))
    assert error.code == "burned_in"
    assert "without them" in error.message


def test_a_format_that_settings_leave_out():
    error = refuse(build_dicom(PICTURE), UploadLimits(formats=("JPEG", "PNG")))
    assert error.message == "This file is a DICOM; JPEG or PNG is needed."


def test_too_small():
    assert refuse(build_dicom(PICTURE), UploadLimits()).code == "too_small"


# --- What else it is --------------------------------------------------------------------------
def build_zip():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("letter.txt", "text")
    return target.getvalue()


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"II*\0\x08\0\0\0", "a TIFF image"),
        (b"MM\0*\0\0\0\x08", "a TIFF image"),
        (b"\x7fELF\x02\x01\x01", "a program"),
        (b"MZ\x90\0", "a program"),
        (b"#!/bin/sh\n", "a program"),
        (b"<!DOCTYPE html><script>", "a web page"),
        (b"PK\x03\x04", "a ZIP"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"\xca\xfe\xba\xbe", "other data"),
        (b"\0" * 100 + b"Rar!", "other data"),
    ],
)
def test_the_first_bytes_have_to_be_empty(start, word):
    data = build_dicom(PICTURE)
    error = refuse(start + data[len(start) :])
    assert error.code == "mixed_content"
    assert word in error.message
    assert "128 bytes" in error.message


@pytest.mark.parametrize("name", SYNTAXES)
@pytest.mark.parametrize("tail", [b"\0", b"x", b"<script>alert(1)</script>", build_zip(), bytes(4096)])
def test_nothing_may_follow_the_picture(name, tail):
    error = refuse(build_dicom(PICTURE, SYNTAXES[name]) + tail)
    assert error.code == "mixed_content"
    assert "bytes follow" in error.message or "ZIP" in error.message


def test_padding_may_follow_and_holds_nothing():
    for syntax in (SYNTAXES["explicit"], ImplicitVRLittleEndian):
        assert inspect_image(build_dicom(PICTURE, syntax, DataSetTrailingPadding=bytes(64)), "a.dcm", LIMITS)
        hidden = build_dicom(PICTURE, syntax, DataSetTrailingPadding=bytes(30) + build_zip())
        assert refuse(hidden).code == "mixed_content"


def test_a_page_in_a_header():
    assert refuse(build_dicom(PICTURE, StudyDescription="<html><body>")).code == "mixed_content"


# --- Damaged, false or endless ------------------------------------------------------------------
@pytest.mark.parametrize("name", SYNTAXES)
def test_every_cut(name):
    data = build_dicom(draw_picture(20, 16), SYNTAXES[name])
    for at in [*range(140, 900, 37), len(data) // 2, len(data) - 12, len(data) - 1]:
        if at < len(data):
            assert refuse(data[:at]).code in ("truncated", "corrupt")


def test_fewer_pixels_than_told():
    assert refuse(build_dicom(PICTURE, Rows=49)).code == "truncated"
    assert refuse(build_dicom(PICTURE, Rows=47)).code == "corrupt"


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_no_size(keyword):
    assert refuse(build_dicom(PICTURE, **{keyword: 0})).code == "corrupt"
    assert refuse(build_dicom(PICTURE, **{keyword: None})).code == "corrupt"


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
    assert refuse(write(dataset)).code == "corrupt"


@pytest.mark.parametrize("offsets", [(3, 0, 70, 80), (3, 64, 10, 80), (200, 64, 70, 80), (1, 64, 70, 80)])
def test_false_offsets_of_runs(offsets):
    dataset = describe(PICTURE, RLELossless)
    header = struct.pack("<16L", *offsets, *[0] * 12)
    dataset.PixelData = encapsulate([header + bytes(100)])
    assert refuse(write(dataset)).code in ("corrupt", "truncated")


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


def test_elements_out_of_order():
    dataset = describe(PICTURE)
    data = write(dataset)
    at, end = data.index(b"\x10\x00\x10\x00PN"), data.index(b"\x10\x00\x20\x00LO")
    name = data[at:end]
    assert refuse(data[:at] + name + name + data[end:]).code == "corrupt"


def test_a_transfer_syntax_told_twice():
    """Else one reader could take the first and another the second: deflated, and of any size."""
    data = build_dicom(PICTURE)
    at = data.index(b"\x02\0\x10\0UI")
    again = b"\x02\0\x10\0UI" + struct.pack("<H", 22) + b"1.2.840.10008.1.2.1.99"
    assert refuse(data[:at] + again + data[at:]).code == "corrupt"


@pytest.mark.parametrize("keyword", ["Rows", "NumberOfFrames", "SamplesPerPixel"])
def test_a_value_of_no_known_form(keyword):
    dataset = describe(PICTURE)
    dataset.add_new(keyword, "LO", "Quackenbush")
    assert refuse(write(dataset)).code == "corrupt"


def test_a_palette_that_is_not_there():
    dataset = describe(PICTURE)
    put_pixels(dataset, np.zeros((48, 61), np.uint8), "PALETTE COLOR")
    assert refuse(write(dataset)).code in ("unsupported_format", "corrupt")
    dataset.RedPaletteColorLookupTableDescriptor = [256, 0, 8]
    dataset.RedPaletteColorLookupTableData = bytes(10)
    assert refuse(write(dataset)).code == "corrupt"
