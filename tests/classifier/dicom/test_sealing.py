"""What is kept of a DICOM photograph: its pixels, its codes, and nobody's name."""

import logging
import warnings
from io import BytesIO

import numpy as np
import pydicom
import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as profile
from PIL import Image, ImageCms
from pydicom.datadict import dictionary_VR, get_entry
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from classifier.inference import decode_image
from classifier.intake import RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from ml.dicom_header import silence_pydicom
from tests.classifier.dicom.samples import (
    INSTANCE,
    SECONDARY,
    SERIES,
    STUDY,
    SYNTAXES,
    build_dicom,
    describe,
    put_pixels,
    write,
)
from tests.classifier.intake.samples import draw_picture, encode

NAME = "Quackenbush"
LIMITS = UploadLimits(min_side=8)
PICTURE = draw_picture(61, 48)
WORDS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def take(data, filename="photo.dcm"):
    return inspect_image(data, filename, LIMITS)


def read(image):
    return pydicom.dcmread(BytesIO(image.data))


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


def plant(dataset):
    """The name in every attribute that the profile names, as far as its kind can hold words."""
    tags = set(profile.ALL_TAGS)
    planted = 0
    for tag in sorted(tag for tag in tags if len(tag) == 2):
        try:
            kind = dictionary_VR(tag)
            get_entry(tag)
        except KeyError:
            continue
        if kind in WORDS and tag[0] not in (0x0002, 0x0028):
            dataset.add_new(tag, kind, NAME)
            planted += 1
    block = dataset.private_block(0x0029, NAME, create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "OB", NAME.encode() + b"\0")
    inner = Dataset()
    inner.PatientName = inner.StudyDescription = NAME
    inner["StudyDescription"].VR = "LO"
    dataset.RequestAttributesSequence = [inner]
    dataset.AnatomicRegionSequence = [Dataset()]
    dataset.AnatomicRegionSequence[0].CodeValue = NAME
    dataset.AnatomicRegionSequence[0].CodingSchemeDesignator = NAME
    dataset.AnatomicRegionSequence[0].CodeMeaning = NAME
    dataset.ImageLaterality = dataset.Laterality = dataset.BurnedInAnnotation = NAME.upper()[:16]
    dataset.AcquisitionDateTime = dataset.AcquisitionDate = NAME
    dataset.SpecificCharacterSet = NAME
    dataset.ImageType = [NAME, NAME]
    dataset.preamble = bytes(128)
    dataset.file_meta.SourceApplicationEntityTitle = NAME
    dataset.file_meta.ImplementationVersionName = NAME
    dataset.DataSetTrailingPadding = bytes(2)
    return planted


def spellings():
    return [
        name.encode(coding)
        for name in (NAME, NAME.upper(), NAME.lower())
        for coding in ("ascii", "utf-16-le")
    ]


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_planted_name_is_nowhere_in_what_is_kept(name, caplog, capsys):
    dataset = describe(PICTURE, SYNTAXES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert plant(dataset) > 200
        data = write(dataset)
    assert data.count(NAME.encode()) > 200
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        silence_pydicom()  # pytest undoes between tests what was done at import
        image = take(data, "photo.dcm")
    said = [image.offer, repr(image), caplog.text, *(notice.message for notice in image.warnings)]
    said += [str(warning.message) for warning in caught]
    outputs = [
        image.data,
        *(words.encode() for words in said),
        *(text.encode() for text in capsys.readouterr()),
    ]
    for output in outputs:
        for spelling in spellings():
            assert spelling not in output


def test_a_name_within_the_compressed_picture_goes_too():
    comment = encode(PICTURE, "JPEG", comment=NAME, quality=95)
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([comment + b"\0" * (len(comment) % 2)])
    data = write(dataset)
    assert NAME.encode() in data
    assert NAME.encode() not in take(data).data
    frame = encode(PICTURE, "JPEG2000", irreversible=False, no_jp2=True, comment=NAME)
    dataset = describe(PICTURE, JPEG2000Lossless)
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = encapsulate([frame])
    data = write(dataset)
    assert NAME.encode() in data
    assert NAME.encode() not in take(data).data


def test_a_jpeg_stays_as_it_was_but_for_its_words():
    frame = encode(PICTURE, "JPEG", comment=NAME, quality=95)
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([frame])
    sealed = read(take(write(dataset)))
    assert sealed.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    scan = frame[frame.index(b"\xff\xda") :]
    assert scan in sealed.PixelData
    # Where a profile makes the colours, they are kept and the profile is not.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at, other = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    turned = bytearray(profile)
    turned[at : at + 4], turned[other : other + 4] = b"bXYZ", b"rXYZ"
    image = take(build_dicom(PICTURE, JPEGBaseline8Bit, ICCProfile=bytes(turned)))
    sealed = read(image)
    assert sealed.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(np.asarray(decode_image(image.data)), np.asarray(image.pixels))


def test_jpeg2000_stays_as_it_was_but_for_its_words():
    frame = encode(PICTURE, "JPEG2000", irreversible=False, mct=1, no_jp2=True, comment=NAME)
    dataset = describe(PICTURE, JPEG2000Lossless)
    dataset.PixelData = encapsulate([frame])
    sealed = read(take(write(dataset)))
    assert sealed.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert frame[frame.index(b"\xff\x90") :] in sealed.PixelData


@pytest.mark.parametrize("meaning", ["MONOCHROME1", "MONOCHROME2"])
def test_a_grey_jpeg(meaning):
    dataset = describe(PICTURE, JPEGBaseline8Bit)
    put_pixels(dataset, np.asarray(PICTURE.convert("L")), meaning)
    dataset.PixelData = encapsulate([encode(PICTURE.convert("L"), "JPEG")])
    del dataset.PlanarConfiguration
    image = take(write(dataset))
    assert read(image).PhotometricInterpretation == meaning
    assert np.array_equal(np.asarray(decode_image(image.data)), np.asarray(image.pixels))


@pytest.mark.parametrize("keyword", ["Rows", "NumberOfFrames", "BitsAllocated", "StudyInstanceUID"])
def test_a_name_in_the_wrong_place_is_not_quoted(keyword, caplog):
    dataset = describe(PICTURE)
    dataset.add_new(keyword, "LO", NAME)
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        silence_pydicom()
        try:
            said = take(write(dataset)).offer
        except RejectedImageError as error:
            said = error.message
    for words in [said, caplog.text, *(str(warning.message) for warning in caught)]:
        assert NAME not in words


def test_what_the_header_offers():
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "113182001", "SCT", NAME
    data = build_dicom(
        PICTURE, ImageLaterality="L", AnatomicRegionSequence=[region], AcquisitionDateTime="20250303101500"
    )
    offer = take(data).offer
    assert offer == (
        "The file's header says: lower back (trunk, posterior trunk), left, taken on 3 March 2025. "
        "It fills in nothing."
    )
    assert take(build_dicom(PICTURE)).offer == ""


def test_a_secondary_capture_that_is_silent_about_words_gets_a_notice():
    def codes(**changes):
        data = build_dicom(PICTURE, SOPClassUID=SECONDARY, Modality="OT", **changes)
        return [notice.code for notice in take(data).warnings]

    assert "words_unknown" in codes()
    assert "words_unknown" not in codes(BurnedInAnnotation="NO")


def test_a_plain_photo_is_sealed_as_it_was_sent():
    data = encode(PICTURE, "JPEG")
    image = inspect_image(data, "a.jpg", LIMITS)
    assert (image.data, image.offer) == (data, "")
    assert Image.open(BytesIO(image.data)).format == "JPEG"
