"""What the header of a photograph tells the person who sends it."""

from pydicom.dataset import Dataset

from tests.classifier.dicom.gate import NAME, PICTURE, take
from tests.classifier.dicom.samples import SECONDARY, build_dicom


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
