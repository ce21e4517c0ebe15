"""What is kept of a DICOM photograph: its pixels, its codes, and nobody's name."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from classifier.intake import inspect_image
from ml.imaging.decoding import decode_image
from tests.classifier.dicom.gate import LIMITS, NAME, PICTURE, read, take
from tests.classifier.dicom.samples import INSTANCE, SERIES, STUDY, SYNTAXES, build_dicom
from tests.classifier.intake.samples import encode


@pytest.mark.parametrize("name", SYNTAXES)
def test_what_is_sealed_decodes_to_the_very_pixels_that_were_inspected(name):
    image = take(build_dicom(PICTURE, SYNTAXES[name]))
    assert (image.format, image.width, image.height) == ("DICOM", 61, 48)
    assert image.byte_size == len(image.data)
    assert np.array_equal(np.asarray(decode_image(image.data)), np.asarray(image.pixels))
    # pydicom reads the same out of it.
    assert np.array_equal(read(image).pixel_array, np.asarray(image.pixels))


def test_the_same_file_gives_the_same_bytes_and_a_sealed_one_may_be_sent_again():
    data = build_dicom(PICTURE)
    first, again = take(data), take(data)
    assert (first.data, first.sha256) == (again.data, again.sha256)
    assert take(first.data).pixel_sha256 == first.pixel_sha256


def test_identifiers_are_replaced_and_keep_what_belongs_together():
    one, two = take(build_dicom(PICTURE)), take(build_dicom(PICTURE, SOPInstanceUID="1.2.3.4.9"))
    first, second = read(one), read(two)
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID == second.file_meta.MediaStorageSOPInstanceUID
    for uid in (first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID):
        assert uid.startswith("2.25.")
        assert uid not in (STUDY, SERIES, INSTANCE)
        assert len(uid) <= 64


def test_what_is_kept_is_a_short_list():
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "113182001", "SCT", NAME
    sealed = read(take(build_dicom(PICTURE, ImageLaterality="L", AnatomicRegionSequence=[region])))
    assert {element.keyword for element in sealed} == {
        "SOPClassUID",
        "SOPInstanceUID",
        "Modality",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "ImageLaterality",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelData",
    }
    assert sealed.PatientIdentityRemoved == "YES"
    assert sealed.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert sealed.PatientName == sealed.PatientID == ""


def test_a_plain_photo_is_sealed_as_it_was_sent():
    data = encode(PICTURE, "JPEG")
    image = inspect_image(data, "a.jpg", LIMITS)
    assert (image.data, image.offer) == (data, "")
    assert Image.open(BytesIO(image.data)).format == "JPEG"
