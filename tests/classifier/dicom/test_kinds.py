"""What is no photograph is refused, and named."""

import io

import pytest

from classifier.domain.limits import UploadLimits
from tests.classifier.dicom.gate import PICTURE, refuse
from tests.classifier.dicom.samples import (
    SECONDARY,
    build_dicom,
    describe,
)


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
