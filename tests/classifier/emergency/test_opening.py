"""One patient opens, in every place alike, and shuts again."""

import pytest
from django.urls import reverse

from classifier.models import (
    EmergencyAccess,
    Explanation,
    Lesion,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
)
from tests.classifier.emergency.asking import ask, statuses
from tests.factories import (
    ExplanationFactory,
    ReviewFactory,
    SubmissionImageFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db


def test_pages_and_api_open_and_close_together(client, side, case):
    assert statuses(client, case) == {404}
    answer = ask(client, side)
    assert answer.url == reverse("patient-detail", args=[case.lesion.patient_id])
    assert statuses(client, case) == {200}
    listed = client.get("/api/v1/submissions/").json()["results"]
    assert [row["id"] for row in listed] == [str(case.pk)]
    access = EmergencyAccess.objects.get()
    client.post(reverse("emergency-end", args=[access.pk]))
    assert statuses(client, case) == {404}
    assert client.get("/api/v1/submissions/").json()["results"] == []


def test_pictures_open_too(client, side, case):
    image = SubmissionImageFactory(submission=case, position=9, with_files=True, with_files__seed=1)
    addresses = [reverse(name, args=[image.pk]) for name in ("image-derivative", "image-thumbnail")]
    addresses.append(f"/api/v1/images/{image.pk}/derivative/")
    assert {client.get(address).status_code for address in addresses} == {404}
    ask(client, side)
    assert {client.get(address).status_code for address in addresses} == {200}
    kept = client.get(reverse("image-thumbnail", args=[image.pk]))["Cache-Control"]
    assert kept == "private, no-store"


def test_every_queryset_agrees(client, side, case):
    ExplanationFactory(prediction=Prediction.objects.get(image__submission=case))
    ReviewFactory(submission=case, signed_by=side.other.dermatologist)
    answered_submission(side.other, "malignant")
    person = side.own.clinician
    models = (Patient, Lesion, Submission, SubmissionImage, Prediction, Explanation, Review)
    assert [model.objects.visible_to(person).count() for model in models] == [0] * len(models)
    ask(client, side)
    person.emergencies = list(EmergencyAccess.objects.live())
    assert [model.objects.visible_to(person).count() for model in models] == [1] * len(models)
    person.is_active = False
    assert [model.objects.visible_to(person).count() for model in models] == [0] * len(models)


def test_other_patients_of_that_clinic_stay_shut(client, side, case):
    other = answered_submission(side.other, "benign")
    ask(client, side)
    assert statuses(client, other) == {404}
    mine = client.get(reverse("patient-list")).context["rows"]
    assert mine == []
    assert client.get(reverse("submission-list")).context["cases"] == []


def test_public_id_alone_is_enough(client, side, case):
    public_id = case.lesion.patient.public_id
    assert ask(client, side, mrn="", birth_date="", public_id=f" {public_id.lower()} ").status_code == 302


def test_opening_again_leaves_one_open(client, side, case):
    ask(client, side)
    ask(client, side)
    assert EmergencyAccess.objects.count() == 2
    assert EmergencyAccess.objects.live().count() == 1
    assert statuses(client, case) == {200}
