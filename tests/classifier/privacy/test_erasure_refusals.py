"""When a patient is not erased, and what is not done for one who was."""

import pytest

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.privacy.retention import set_hold
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    submit,
)

pytestmark = pytest.mark.django_db


class TestRefusals:
    def test_legal_hold(self, case, erase, side):
        set_hold(actor=side.own.administrator, patient=case.lesion.patient, is_on_hold=True)
        with pytest.raises(ConflictError) as error:
            erase(case.lesion.patient)
        assert error.value.code == "legal_hold"
        set_hold(actor=side.own.administrator, patient=case.lesion.patient, is_on_hold=False)
        erase(case.lesion.patient)
        actions = AuditEvent.objects.order_by("position").values_list("action", flat=True)
        assert list(actions) == ["patient.held", "patient.released", "patient.erased"]

    def test_twice(self, case, erase):
        erase(case.lesion.patient)
        with pytest.raises(ConflictError) as error:
            erase(case.lesion.patient)
        assert error.value.code == "already_erased"

    def test_unknown_reason(self, case, erase):
        with pytest.raises(InvalidInputError):
            erase(case.lesion.patient, reason="because")

    def test_nothing_is_submitted_for_the_erased(self, case, erase, side):
        lesion = case.lesion
        erase(lesion.patient)
        with pytest.raises(InvalidInputError):
            submit(side.own.clinician, lesion)
