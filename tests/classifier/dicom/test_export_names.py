"""Whose photograph an exported file is said to be."""

import datetime as dt
from io import BytesIO

import pydicom
import pytest

from classifier.domain.errors import InvalidInputError
from classifier.exports.dicom import IDENTIFIED, export_image
from tests.classifier.dicom.exporting import export, make_image
from tests.factories import SubmissionFactory, SubmissionImageFactory

pytestmark = pytest.mark.django_db


def test_identifiers_are_stable_and_hold_together(staff):
    image = make_image(staff)
    second = SubmissionImageFactory(submission=image.submission, with_files=True)
    one, again, other = export(staff, image), export(staff, image), export(staff, second)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "TrackingUID", "TrackingID"):
        assert one[keyword].value == again[keyword].value
        assert len(one[keyword].value) <= 64
    assert one.StudyInstanceUID == other.StudyInstanceUID
    assert one.TrackingUID == other.TrackingUID
    assert one.SOPInstanceUID != other.SOPInstanceUID
    later = SubmissionImageFactory(
        submission=SubmissionFactory(clinic=staff.clinic, lesion=image.submission.lesion), with_files=True
    )
    followed = export(staff, later)
    assert (followed.TrackingUID, followed.StudyInstanceUID != one.StudyInstanceUID) == (
        one.TrackingUID,
        True,
    )


def test_the_same_image_gives_the_same_file(staff):
    image = make_image(staff)
    first = export_image(actor=staff.clinician, image_id=image.pk)
    assert first.data == export_image(actor=staff.clinician, image_id=image.pk).data


def test_by_pseudonym_nothing_leads_to_the_person(staff):
    image = make_image(staff, original_name="quackenbush.jpg")
    patient = image.submission.lesion.patient
    taken = export_image(actor=staff.clinician, image_id=image.pk)
    dataset = pydicom.dcmread(BytesIO(taken.data))
    assert dataset.PatientID == patient.public_id
    assert (str(dataset.PatientName), dataset.PatientBirthDate, dataset.PatientSex) == ("", "", "F")
    assert dataset.PatientIdentityRemoved == "YES"
    told = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert told == ["113100", "113106", "113108", "113112"]
    for word in (patient.mrn, "quackenbush", "19700517", "Is excision advised"):
        assert word.encode() not in taken.data
    assert taken.filename == f"{image.pk}.dcm"


def test_identified(staff):
    image = make_image(staff)
    image.submission.lesion.patient.birth_date = dt.date(1970, 5, 17)
    dataset = export(staff, image, IDENTIFIED)
    assert (dataset.PatientID, dataset.PatientBirthDate) == ("MRN-QUACK", "19700517")
    assert "PatientIdentityRemoved" not in dataset
    # Another document, so another identifier.
    assert dataset.SOPInstanceUID != export(staff, image).SOPInstanceUID


def test_a_backslash_makes_nobody_else_of_a_patient(staff):
    image = make_image(staff)
    patient, clinic = image.submission.lesion.patient, image.clinic
    patient.mrn, clinic.name = "MRN\\1", "North\\South"
    patient.save()
    clinic.save()
    with pytest.raises(InvalidInputError) as caught:
        export(staff, image, IDENTIFIED)
    assert caught.value.code == "record_number_unfit"
    assert export(staff, image).InstitutionName == "North/South"


@pytest.mark.parametrize(("sex", "code"), [("female", "F"), ("male", "M"), ("other", "O"), ("unknown", "")])
def test_sex(staff, sex, code):
    assert (export(staff, make_image(staff, sex=sex)).PatientSex or "") == code
