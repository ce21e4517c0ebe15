"""What was kept of a form after its session had ended goes with the patient whom it may name."""

from classifier.services.erasure import erase_patient
from portal.accounts.kept_forms import has_kept_form, keep_form
from tests.factories import PatientFactory


def test_erasure_takes_the_clinics_kept_forms_along(clinics):
    patient = PatientFactory(clinic=clinics.own.clinic)
    for side in (clinics.own, clinics.other):
        assert keep_form(person=side.clinician, path="/submissions/new/", fields=[("mrn", patient.mrn)])

    erase_patient(actor=clinics.own.administrator, patient=patient, reason="request")

    assert not has_kept_form(clinics.own.clinician)
    assert has_kept_form(clinics.other.clinician)
