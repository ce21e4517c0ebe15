"""An image on its way out: what the standard asks, what the rights allow, and no name too many."""

import datetime as dt
from io import BytesIO

import numpy as np
import pydicom
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.urls import reverse
from isic_metadata.anatom_site_hierarchical import AnatomSiteEnum
from knox.models import AuthToken
from PIL import Image
from pydicom.sr.codedict import codes
from rest_framework.test import APIClient

from classifier.dicom.anatomy import KEYWORDS, find_code, find_site
from classifier.intake import inspect_image
from classifier.limits import UploadLimits
from classifier.services.dicom_exports import IDENTIFIED, PSEUDONYMOUS, export_image
from classifier.services.errors import InvalidInputError, UnavailableError
from classifier.vocabulary import CaptureKind, Laterality, Sex
from portal.audit.models import AuditEvent
from tests.classifier.dicom.iod import find_faults
from tests.factories import (
    LesionFactory,
    PatientFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    staff_clinic,
)

pytestmark = pytest.mark.django_db

DERMOSCOPIC, PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.7", "1.2.840.10008.5.1.4.1.1.77.1.4"


@pytest.fixture
def staff():
    return staff_clinic()


def make_image(staff, **changes):
    patient = PatientFactory(clinic=staff.clinic, mrn="MRN-QUACK", sex=changes.pop("sex", Sex.FEMALE))
    site = {name: changes.pop(name) for name in ("body_site", "laterality") if name in changes}
    submission = SubmissionFactory(clinic=staff.clinic, lesion=LesionFactory(patient=patient, **site))
    return SubmissionImageFactory(submission=submission, with_files=True, **changes)


def export(staff, image, naming=PSEUDONYMOUS, actor=None):
    taken = export_image(actor=actor or staff.clinician, image_id=image.pk, naming=naming)
    return pydicom.dcmread(BytesIO(taken.data))


# --- The standard -------------------------------------------------------------------------------
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


# --- Identifiers --------------------------------------------------------------------------------
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


# --- Body sites ---------------------------------------------------------------------------------
def test_every_code_is_in_the_context_group():
    assert set(KEYWORDS) <= set(AnatomSiteEnum.__members__)
    for site in KEYWORDS:
        code = find_code(site)
        assert code.value.isdigit()
        assert find_site(f"{code.scheme_designator} {code.value}") == site
    sites = [find_code(site.name) for site in AnatomSiteEnum]
    assert sum(code.scheme_designator == "SCT" for code in sites) > 0.9 * len(sites)


def test_a_finer_site_takes_the_code_around_it():
    assert find_code("lower_extremity_foot_toes_great_toe") == codes.cid4029.SkinOfToe
    assert find_code("trunk") == find_code("unspecified") == codes.cid4029.Skin
    assert find_site("SCT 1234") == ""


# --- Rights, events, trouble ---------------------------------------------------------------------
def test_only_those_who_treat_take_it_identified(staff):
    image = make_image(staff)
    for person in (staff.clinician, staff.dermatologist):
        assert export(staff, image, IDENTIFIED, person).PatientID == "MRN-QUACK"
    assert export(staff, image, PSEUDONYMOUS, staff.administrator)
    for person, naming in ((staff.administrator, IDENTIFIED), (staff.integration, PSEUDONYMOUS)):
        with pytest.raises(PermissionDenied):
            export_image(actor=person, image_id=image.pk, naming=naming)


def test_each_export_leaves_an_event_and_a_refusal_none(staff):
    image = make_image(staff)
    export(staff, image, IDENTIFIED)
    with pytest.raises(InvalidInputError) as caught:
        export_image(actor=staff.clinician, image_id=image.pk, naming="somehow")
    assert caught.value.code == "naming_unknown"
    event = AuditEvent.objects.get(action="submissionimage.exported")
    assert (event.actor, event.object_id) == (staff.clinician, str(image.pk))
    assert event.details == {"format": "DICOM", "patient": "identified"}


def test_a_lost_picture(staff):
    image = make_image(staff)
    image.derivative.storage.delete(image.derivative.name)
    with pytest.raises(UnavailableError):
        export_image(actor=staff.clinician, image_id=image.pk)
    assert not AuditEvent.objects.filter(action="submissionimage.exported").exists()


def call_api(user, image, **query):
    _, text = AuthToken.objects.create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client.get(f"/api/v1/images/{image.pk}/dicom/", query)


def test_over_the_api(staff):
    image = make_image(staff)
    response = call_api(staff.clinician, image, patient="identified")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/dicom"
    assert response["Content-Disposition"] == f'attachment; filename="{image.pk}.dcm"'
    assert response["Cache-Control"] == "private, no-store"
    assert pydicom.dcmread(BytesIO(response.content)).PatientID == "MRN-QUACK"
    refused = call_api(staff.administrator, image, patient="identified")
    assert refused.status_code == 403
    assert "pseudonym" in refused.json()["errors"][0]["detail"]
    wrong = call_api(staff.clinician, image, patient="somehow")
    assert wrong.status_code == 400
    assert (wrong.json()["errors"][0]["code"], wrong.json()["errors"][0]["attr"]) == (
        "naming_unknown",
        "patient",
    )
    assert call_api(staff_clinic().clinician, image).status_code == 404


def test_from_the_page(staff, client):
    image = make_image(staff)
    client.force_login(staff.clinician)
    page = client.get(reverse("submission-detail", args=[image.submission_id])).content.decode()
    assert reverse("image-dicom", args=[image.pk]) in page
    assert "With the record number" in page
    response = client.post(reverse("image-dicom", args=[image.pk]), {"patient": "identified"})
    assert response["Content-Disposition"] == f'attachment; filename="{image.pk}.dcm"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert pydicom.dcmread(BytesIO(response.content)).PatientID == "MRN-QUACK"
    back = client.post(reverse("image-dicom", args=[image.pk]), {"patient": "somehow"})
    assert back["Location"] == reverse("submission-detail", args=[image.submission_id])
    client.force_login(staff.administrator)
    page = client.get(reverse("submission-detail", args=[image.submission_id])).content.decode()
    assert "Under the pseudonym" in page
    assert "With the record number" not in page
