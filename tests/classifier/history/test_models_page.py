"""Registered versions, their figures and, for those it concerns, their shadows."""

import pytest

from classifier.models import Prediction
from tests.factories import (
    ModelVersionFactory,
    PredictionFactory,
    active_model,
    answered_submission,
    restated_together,
    tiny_specification,
)

pytestmark = pytest.mark.django_db

FIGURES = {"test": {"images": 660, "auc": {"value": 0.934, "low": 0.915, "high": 0.951}, "brier": 0.1}}


@restated_together()
def make_shadow_answers(staff, *outcomes):
    shadow = ModelVersionFactory(shadow=True)
    for outcome in outcomes:
        case = answered_submission(staff, "benign")
        served = Prediction.objects.get(image__submission=case)
        PredictionFactory(
            image=served.image, model_version=shadow, is_shadow=True, state="succeeded", outcome=outcome
        )
    return shadow


@pytest.mark.parametrize(
    ("data", "words"), [("one-set", "one-set"), (["one-set", "other"], "one-set, other")]
)
def test_sets_a_version_learned_from_are_named(data, words, client, clinics):
    training = {"training": {"data": data}}
    ModelVersionFactory(name="zzz", active=True, specification={**tiny_specification("zzz"), **training})
    client.force_login(clinics.own.clinician)

    assert f"<dt>Trained on</dt><dd>{words}</dd>" in client.get("/models/").text


def test_versions_stand_with_figures_and_the_active_one_first(client, clinics):
    ModelVersionFactory(name="aaa", lifecycle="retired")
    ModelVersionFactory(
        name="zzz", active=True, specification={**tiny_specification("zzz"), "metrics": FIGURES}
    )
    client.force_login(clinics.own.clinician)

    page = client.get("/models/").content.decode()

    assert page.index("zzz 1") < page.index("aaa 1")
    assert "0.934" in page
    assert "0.915 to 0.951" in page
    assert "660" in page
    assert "CC0-1.0" in page
    assert "The specification holds no test figures." in page


def test_a_network_without_calibration_says_so(client, clinics):
    client.force_login(clinics.own.clinician)
    version = ModelVersionFactory(active=True)
    assert "its figures are the network" not in client.get("/models/").content.decode()

    version.specification["training"] = {"calibrated": False}
    version.save()

    assert "its figures are the network" in client.get("/models/").content.decode()


def test_page_without_models_says_what_to_do(client, clinics):
    client.force_login(clinics.own.clinician)

    assert "No model is registered" in client.get("/models/").content.decode()


def test_shadow_counts_are_for_administrators_and_their_clinic(client, clinics):
    active_model()
    make_shadow_answers(clinics.own, "benign", "malignant", "benign")
    make_shadow_answers(clinics.other, "malignant")

    client.force_login(clinics.own.administrator)
    assert "2 of 3 images" in client.get("/models/").content.decode()
    assert "0 of 1 images" not in client.get("/models/").content.decode()
    client.force_login(clinics.own.clinician)
    assert "2 of 3 images" not in client.get("/models/").content.decode()


def test_operator_in_a_clinic_sees_every_shadow(client, clinics):
    active_model()
    make_shadow_answers(clinics.other, "malignant")
    clinics.own.clinician.is_staff = True
    clinics.own.clinician.save()
    client.force_login(clinics.own.clinician)

    assert "0 of 1 images" in client.get("/models/").content.decode()
