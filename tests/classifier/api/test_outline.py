"""The lesion's outline over REST: asked for with POST, read with GET."""

import pytest

from classifier.models import Outline
from tests.classifier.api.conftest import ROOT
from tests.factories import (
    OUTLINE_MEASURES,
    OUTLINE_POINTS,
    ModelVersionFactory,
    OutlineFactory,
    answered_submission,
    outline_network,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db):
    return staff_clinic()


@pytest.fixture
def active_model(db):
    return ModelVersionFactory(active=True)


@pytest.fixture
def image(staff, active_model):
    return answered_submission(staff, "malignant").images.get()


def address(image):
    return f"{ROOT}/images/{image.pk}/outline/"


def test_nobody_asked_yet(api, staff, image):
    answer = api(staff.clinician).get(address(image))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "Ask for it with POST" in answer.json()["detail"]


def test_without_a_network_it_is_a_conflict_with_advice(api, staff, image):
    answer = api(staff.clinician).post(address(image))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_outline_network")
    assert not Outline.objects.exists()


def test_asked_for_it_is_queued_once_then_read(api, staff, image):
    outline_network()
    client = api(staff.clinician)
    first, second = client.post(address(image)), client.post(address(image))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert (first.json()["state"], first.json()["measures"], first.json()["points"]) == ("queued", None, [])
    Outline.objects.all().delete()
    row = OutlineFactory(image=image, state="succeeded")
    body = client.get(address(image)).json()
    assert body["network"]["version"] == "1.0.0"
    assert (body["points"], body["measures"]) == (OUTLINE_POINTS, OUTLINE_MEASURES)
    assert (body["id"], body["image"], body["state"]) == (str(row.pk), str(image.pk), "succeeded")
    assert client.post(address(image)).status_code == 200
