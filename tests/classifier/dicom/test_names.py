"""A name planted everywhere in a file is nowhere in what is kept, said or logged."""

import logging
import warnings

import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as profile
from pydicom.datadict import dictionary_VR, get_entry
from pydicom.dataset import Dataset

from classifier.intake import RejectedImageError
from ml.imaging.dicom.header import silence_pydicom
from tests.classifier.dicom.gate import NAME, PICTURE, take
from tests.classifier.dicom.samples import (
    SYNTAXES,
    describe,
    write,
)

WORDS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}


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
