"""Who takes a report, what refuses it, and what is left of it on the audit log."""

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile

from classifier.consents import record_consent
from classifier.domain.errors import ConflictError, UnavailableError
from classifier.labels.audit import ACTION_WORDS
from classifier.privacy.erasure import erase_patient
from classifier.report.case_reports import export_report
from portal.trust.audit.models import AuditEvent
from tests.classifier.report.papers import add_image, judge, make_case, take
from tests.factories import PredictionFactory, staff_clinic

ACTION = "submission.report_exported"


def refuse(actor, case, error) -> str:
    with pytest.raises(error) as caught:
        export_report(actor=actor, submission_id=case.pk)
    assert not AuditEvent.objects.filter(action=ACTION).exists()
    return getattr(caught.value, "code", "")


@pytest.mark.parametrize("role", ["clinician", "dermatologist", "administrator", "integration"])
def test_every_role_of_the_clinic_takes_it_and_leaves_one_event(staff, role):
    case = make_case(staff)
    judge(case)
    report = export_report(actor=staff.person(role), submission_id=case.pk)
    assert report.filename == f"{case.pk}.pdf"
    assert report.data.startswith(b"%PDF-")
    event = AuditEvent.objects.get(action=ACTION)
    assert (event.actor, event.object_id, event.details) == (
        staff.person(role),
        str(case.pk),
        {"format": "PDF"},
    )
    assert ACTION in ACTION_WORDS


def test_strangers_do_not(staff):
    case = make_case(staff)
    judge(case)
    refuse(staff_clinic().clinician, case, PermissionDenied)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_nothing_to_report_while_in_work(staff, state):
    case = make_case(staff)
    judge(case)
    PredictionFactory(image=add_image(case), state=state)
    assert refuse(staff.clinician, case, ConflictError) == "report_unfinished"


def test_lost_and_damaged_pictures(staff):
    case = make_case(staff)
    image = judge(case).image
    store = image.derivative.storage
    store.delete(image.derivative.name)
    assert refuse(staff.clinician, case, UnavailableError) == "image_unavailable"
    store.save(image.derivative.name, ContentFile(b"\xff\xd8 no picture any more"))
    assert refuse(staff.clinician, case, UnavailableError) == "image_unavailable"


def test_erased_patient_has_no_report(staff):
    case = make_case(staff)
    judge(case)
    erase_patient(actor=staff.administrator, patient=case.lesion.patient, reason="request")
    assert refuse(staff.clinician, case, ConflictError) == "patient_erased"


def test_report_is_care_so_consent_to_exports_does_not_matter(staff):
    case = make_case(staff)
    judge(case)
    record_consent(actor=staff.clinician, patient=case.lesion.patient, purpose="training", is_given=False)
    assert take(staff.clinician, case)
