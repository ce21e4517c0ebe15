"""A file that is also something else to another reader is refused."""

import io
import zipfile

import pytest
from pydicom.uid import (
    ImplicitVRLittleEndian,
)

from classifier.intake import inspect_image
from tests.classifier.dicom.gate import LIMITS, PICTURE, refuse
from tests.classifier.dicom.samples import (
    SYNTAXES,
    build_dicom,
)


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
        for held in (build_zip(), b"MZ", b"<script>alert(1)</script>", b"\x01"):
            hidden = build_dicom(PICTURE, syntax, DataSetTrailingPadding=bytes(30) + held + bytes(30))
            error = refuse(hidden)
            assert (error.code, "bytes follow" in error.message) == ("mixed_content", True)


def test_a_page_in_a_header():
    assert refuse(build_dicom(PICTURE, StudyDescription="<html><body>")).code == "mixed_content"
