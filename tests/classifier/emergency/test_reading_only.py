"""Who opened a patient in an emergency reads, and does nothing else."""

import pytest
from django.urls import reverse

from classifier.models import (
    Explanation,
    Prediction,
)
from tests.classifier.emergency.asking import DECISION, ask

pytestmark = pytest.mark.django_db


def test_reading_only(client, side, case):
    ask(client, side)
    patient, image = case.lesion.patient_id, case.images.get()
    prediction = Prediction.objects.get(image=image)
    for address in (
        reverse("patient-edit", args=[patient]),
        reverse("submission-cancel", args=[case.pk]),
        reverse("submission-lesions", args=[patient]),
        reverse("submission-new") + f"?patient={patient}",
        reverse("submission-new") + f"?lesion={case.lesion_id}",
        reverse("submission-review", args=[case.pk]),
    ):
        assert client.get(address).status_code == 403, address
    for address, data in (
        (reverse("patient-edit", args=[patient]), {"sex": "male"}),
        (reverse("submission-cancel", args=[case.pk]), {}),
        (reverse("submission-retry", args=[case.pk]), {}),
        (reverse("submission-review", args=[case.pk]), DECISION),
        (reverse("prediction-explanation", args=[prediction.pk]), {}),
        (reverse("submission-export") + f"?patient={patient}", {"what": "all"}),
        (f"/api/v1/submissions/{case.pk}/cancel/", {}),
    ):
        assert client.post(address, data).status_code == 403, address
    assert not Explanation.objects.exists()
    case.refresh_from_db()
    assert case.cancelled_at is None
    page = client.get(reverse("submission-list") + f"?patient={patient}").text
    assert "export-form" not in page


def test_dermatologist_may_open_and_not_sign(side, log_in, case):
    client = log_in(side.own.dermatologist)
    ask(client, side)
    assert client.get(reverse("submission-detail", args=[case.pk])).status_code == 200
    assert client.post(reverse("submission-review", args=[case.pk]), DECISION).status_code == 403
    assert client.get(reverse("worklist")).context["cases"] == []
