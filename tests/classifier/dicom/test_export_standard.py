"""An exported file holds what the standard asks, and nothing else."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from django.core.files.base import ContentFile
from PIL import Image
from pydicom.sr.codedict import codes

from classifier.domain.limits import UploadLimits
from classifier.domain.vocabulary import CaptureKind, Laterality
from classifier.exports.dicom import IDENTIFIED, PSEUDONYMOUS, export_image
from classifier.intake import inspect_image
from tests.classifier.dicom.exporting import export, make_image
from tests.classifier.dicom.iod import find_faults
from tests.classifier.dicom.samples import DERMOSCOPIC, PHOTOGRAPHIC

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("naming", [PSEUDONYMOUS, IDENTIFIED])
@pytest.mark.parametrize("kind", CaptureKind.values)
@pytest.mark.parametrize("side", Laterality.values)
def test_everything_that_the_standard_asks_and_nothing_else(staff, naming, kind, side):
    image = make_image(staff, capture_kind=kind, laterality=side)
    assert find_faults(export(staff, image, naming)) == []


def test_the_check_itself_finds_faults(staff):
    dataset = export(staff, make_image(staff))
    del dataset.Rows
    dataset.Modality = ""
    dataset.SliceThickness = "1"
    assert find_faults(dataset) == [
        "Modality is empty",
        "Rows is missing",
        "SliceThickness does not belong here",
    ]


def test_a_dermoscopic_photo_of_a_lesion(staff):
    image = make_image(staff, body_site="trunk_posterior_trunk_upper_back", laterality=Laterality.LEFT)
    dataset = export(staff, image)
    assert dataset.SOPClassUID == dataset.file_meta.MediaStorageSOPClassUID == DERMOSCOPIC
    assert (dataset.Modality, dataset.InstanceNumber, dataset.ImageLaterality) == ("DMS", 1, "L")
    region = dataset.AnatomicRegionSequence[0]
    assert (region.CodingSchemeDesignator, region.CodeValue) == ("SCT", codes.cid4029.SkinOfBack.value)
    assert dataset.InstitutionName == staff.clinic.name
    assert dataset.TrackingID
    assert dataset.TrackingUID.startswith("2.25.")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("", ("", "", False)),
        ("contact_polarized", ("POLARIZED", "CONTACT", True)),
        ("contact_non_polarized", ("NON_POLARIZED", "CONTACT", True)),
        ("non_contact_polarized", ("POLARIZED", "NON_CONTACT", False)),
    ],
)
def test_how_it_was_lit_and_touched(staff, kind, said):
    """As the sender said it, and as FHIR says it: what nobody said stays empty."""
    dataset = export(staff, make_image(staff, dermoscopic_type=kind))
    assert find_faults(dataset) == []
    assert (dataset.LightSourcePolarization, dataset.ContactMethod, "ImmersionMedia" in dataset) == said


def test_a_clinical_photo_is_of_the_other_kind(staff):
    dataset = export(staff, make_image(staff, capture_kind=CaptureKind.CLINICAL))
    assert (dataset.SOPClassUID, dataset.Modality) == (PHOTOGRAPHIC, "XC")
    assert "TrackingUID" not in dataset


def test_the_picture_is_the_derivative(staff):
    image = make_image(staff)
    dataset = export(staff, image)
    with image.derivative.open("rb") as file:
        jpeg = file.read()
    shown = np.asarray(Image.open(BytesIO(jpeg)))
    assert dataset.pixel_array.shape == shown.shape == (dataset.Rows, dataset.Columns, 3)
    assert np.abs(dataset.pixel_array.astype(int) - shown).max() <= 2
    assert jpeg in dataset.PixelData
    # What goes out can come in again.
    taken = export_image(actor=staff.clinician, image_id=image.pk).data
    again = inspect_image(taken, "a.dcm", UploadLimits(min_side=8))
    assert np.array_equal(np.asarray(again.pixels), shown)


def test_a_derivative_of_odd_length_is_padded(staff):
    image = make_image(staff)
    with image.derivative.open("rb") as file:
        jpeg = file.read()
    for more in (b"", b"\0"):
        image.derivative.storage.delete(image.derivative.name)
        image.derivative.storage.save(image.derivative.name, ContentFile(jpeg + more))
        taken = export_image(actor=staff.clinician, image_id=image.pk).data
        assert len(taken) % 2 == 0
        assert pydicom.dcmread(BytesIO(taken)).pixel_array.shape[2] == 3
