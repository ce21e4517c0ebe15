"""The page asks why, and which patient."""

import pytest
from django.urls import reverse

from classifier.models import (
    Patient,
)

pytestmark = pytest.mark.django_db


class TestPage:
    def send(self, client, patient, **changes):
        data = {"reason": "request", "public_id": patient.public_id, **changes}
        return client.post(reverse("patient-erase", args=[patient.pk]), data)

    def test_reason_and_id_are_asked(self, case, side, log_in):
        patient, client = case.lesion.patient, log_in(side.own.administrator)
        assert "Erase patient" in client.get(reverse("patient-erase", args=[patient.pk])).content.decode()
        for wrong in ({"public_id": "P-OTHER222"}, {"public_id": ""}, {"reason": ""}):
            assert self.send(client, patient, **wrong).status_code == 422
        assert Patient.objects.get(pk=patient.pk).erased_at is None
        assert self.send(client, patient, public_id=patient.public_id.lower()).status_code == 302
        assert Patient.objects.get(pk=patient.pk).erased_at is not None

    def test_hold_is_told(self, case, side, log_in):
        patient, client = case.lesion.patient, log_in(side.own.administrator)
        client.post(reverse("patient-hold", args=[patient.pk]), {"hold": "yes"})
        assert "legal hold" in self.send(client, patient).content.decode()
        page = client.get(reverse("patient-privacy", args=[patient.pk])).content.decode()
        assert "Lift the legal hold" in page
        assert "Erase the patient" not in page
