"""Consents as people see and record them."""

import pytest
from django.urls import reverse

from classifier.domain.vocabulary import ConsentPurpose
from tests.factories import (
    PatientFactory,
)


class TestPage:
    def test_shows_the_state_and_the_history(self, side, say, log_in):
        patient = PatientFactory(clinic=side.own.clinic)
        say(patient, "teaching", True)
        say(patient, "training", False)
        client = log_in(side.own.clinician)
        page = client.get(reverse("patient-privacy", args=[patient.pk])).content.decode()
        for words in ("Record the withdrawal", "Record the consent", str(side.own.clinician)):
            assert words in page
        assert "Erase" not in page
        facts = client.get(reverse("patient-detail", args=[patient.pk])).content.decode()
        assert "agrees to teaching" in facts
        assert "no exports" in facts

    @pytest.mark.parametrize("purpose", ConsentPurpose.values)
    def test_records_and_withdraws(self, side, log_in, purpose):
        patient = PatientFactory(clinic=side.own.clinic)
        client = log_in(side.own.clinician)
        address = reverse("patient-consent", args=[patient.pk])
        for given in ("no", "yes"):
            client.post(address, {"purpose": purpose, "given": given})
            assert patient.consents.first().is_given == (given == "yes")

    def test_unknown_purpose_is_told(self, side, log_in):
        patient = PatientFactory(clinic=side.own.clinic)
        client = log_in(side.own.clinician)
        address = reverse("patient-consent", args=[patient.pk])
        page = client.post(address, {"purpose": "x", "given": "yes"}, follow=True)
        assert "The purpose can be one of" in page.content.decode()
