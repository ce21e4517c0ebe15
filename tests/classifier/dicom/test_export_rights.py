"""Who may export, and what is left of it on the audit log."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier.consents import record_consent
from classifier.domain.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.exports.dicom import IDENTIFIED, PSEUDONYMOUS, export_image
from classifier.privacy.erasure import erase_patient
from portal.trust.audit.models import AuditEvent
from tests.classifier.dicom.exporting import export, make_image

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("naming", [PSEUDONYMOUS, IDENTIFIED])
def test_withdrawn_consent_keeps_the_image_here(staff, naming):
    image = make_image(staff)
    patient = image.submission.lesion.patient
    record_consent(actor=staff.clinician, patient=patient, purpose="training", is_given=False)
    with pytest.raises(ConflictError) as caught:
        export_image(actor=staff.clinician, image_id=image.pk, naming=naming)
    assert caught.value.code == "consent_withdrawn"
    assert not AuditEvent.objects.filter(action="submissionimage.exported").exists()
    record_consent(actor=staff.clinician, patient=patient, purpose="training", is_given=True)
    assert export(staff, image, naming)


def test_nothing_of_an_erased_patient_goes_out(staff):
    image = make_image(staff)
    erase_patient(actor=staff.administrator, patient=image.submission.lesion.patient, reason="request")
    with pytest.raises(ConflictError) as caught:
        export_image(actor=staff.clinician, image_id=image.pk)
    assert caught.value.code == "patient_erased"
