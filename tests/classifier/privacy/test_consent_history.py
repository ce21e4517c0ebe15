"""Every word of a patient is a row that never changes."""

import pytest
from django.db import DatabaseError, transaction

from classifier.domain.errors import InvalidInputError
from classifier.models import Consent, Patient
from classifier.patients.patients import create_patient, update_patient
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    PatientFactory,
)


class TestHistory:
    def test_every_word_is_a_row_with_who_and_when(self, side, say):
        patient = create_patient(
            actor=side.own.clinician, clinic=side.own.clinic, mrn="A-1", consents_to_inference=True
        )
        say(patient, "teaching", True)
        say(patient, "teaching", True)
        say(patient, "teaching", False)
        rows = list(patient.consents.values_list("purpose", "is_given", "recorded_by"))
        person = side.own.clinician.pk
        assert rows == [
            ("teaching", False, person),
            ("teaching", True, person),
            ("inference", True, person),
        ]
        assert Patient.objects.get().consents_to_teaching is False
        events = AuditEvent.objects.filter(action__startswith="consent.").order_by("position")
        assert [(e.action, e.details) for e in events] == [
            ("consent.given", {"purpose": "teaching", "origin": "stated"}),
            ("consent.withdrawn", {"purpose": "teaching", "origin": "stated"}),
        ]

    def test_correcting_the_patient_writes_the_row_too(self, side):
        patient = create_patient(
            actor=side.own.clinician, clinic=side.own.clinic, mrn="A-1", consents_to_inference=True
        )
        update_patient(actor=side.own.clinician, patient=patient, consents_to_inference=False, sex="male")
        found = Patient.objects.get()
        assert (found.consents_to_inference, found.sex) == (False, "male")
        assert [row.is_given for row in patient.consents.all()] == [False, True]

    def test_rows_never_change(self, side, say):
        say(PatientFactory(clinic=side.own.clinic), "teaching", True)
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            Consent.objects.update(is_given=False)

    def test_unknown_purpose(self, side, say):
        with pytest.raises(InvalidInputError) as error:
            say(PatientFactory(clinic=side.own.clinic), "advertising", True)
        assert error.value.code == "purpose_unknown"
