"""Histopathology on the pages: shown with the lesion and the case, entered by those who may."""

import pytest
from django.urls import reverse

from classifier.models import Outcome
from tests.factories import LesionFactory, OutcomeFactory, answered_submission, two_clinics

FINDING = {
    "diagnosis": "melanoma_invasive",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
    "breslow_mm": "0.80",
    "comment": "Superficial spreading.",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def side():
    return two_clinics()


@pytest.fixture
def clinician(client, side):
    client.force_login(side.own.clinician)
    return client


def test_record_and_see_it_with_lesion_and_case(clinician, side):
    case = answered_submission(side.own)
    url = reverse("outcome-new", args=[case.lesion_id])
    assert b"Record histopathology" in clinician.get(reverse("submission-detail", args=[case.pk])).content
    response = clinician.post(url, FINDING)
    assert response.status_code == 302
    assert Outcome.objects.get().recorded_by == side.own.clinician
    for address in (response["Location"], reverse("submission-detail", args=[case.pk])):
        words = clinician.get(address).content.decode()
        assert "Invasive melanoma" in words
        assert "Breslow 0.80 mm" in words


def test_correct(clinician, side):
    first = OutcomeFactory(lesion=LesionFactory(patient__clinic=side.own.clinic))
    url = reverse("outcome-correct", args=[first.pk])
    assert "Melanocytic naevus" in clinician.get(url).content.decode()
    assert clinician.post(url, FINDING).status_code == 422
    assert clinician.post(url, {**FINDING, "correction_reason": "Second opinion."}).status_code == 302
    words = clinician.get(reverse("lesion-detail", args=[first.lesion_id])).content.decode()
    assert "(changed since)" in words
    assert "Second opinion." in words
    late = clinician.post(url, {**FINDING, "correction_reason": "Late."})
    assert late.status_code == 422
    assert "Somebody corrected this outcome before you" in late.content.decode()


def test_wrong_finding_is_told_at_its_field(clinician, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic)
    response = clinician.post(
        reverse("outcome-new", args=[lesion.pk]),
        {**FINDING, "diagnosis": "naevus", "reported_on": "2999-01-01"},
    )
    assert response.status_code == 422
    assert "This date lies in the future." in response.content.decode()
    assert not Outcome.objects.exists()


def test_administrator_reads_but_does_not_record(client, side):
    client.force_login(side.own.administrator)
    outcome = OutcomeFactory(lesion=LesionFactory(patient__clinic=side.own.clinic))
    words = client.get(reverse("lesion-detail", args=[outcome.lesion_id])).content.decode()
    assert "Melanocytic naevus" in words
    assert "Record histopathology" not in words
    assert reverse("outcome-correct", args=[outcome.pk]) not in words
