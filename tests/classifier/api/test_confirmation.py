"""A browser that calls the API confirms who it is before an act that counts, as on the pages."""

import datetime as dt

import pytest
from django.utils import timezone

from classifier.models import Review
from tests.classifier.api.conftest import ROOT
from tests.classifier.api.test_stated_scopes import token_views
from tests.factories import PASSWORD, answered_submission
from tests.support.second_factor import log_in

pytestmark = pytest.mark.django_db
CONFIRM = "/accounts/reauthenticate/"
LATER = dt.timedelta(minutes=16)
COUNTING = {
    "api-reviews": {"POST"},
    "api-review-amend": {"POST"},
    "api-image-dicom": {"GET"},
    "api-patient-archive": {"GET"},
    "api-patient-erase": {"POST"},
    "api-webhooks": {"POST"},
    "api-webhook": {"PATCH", "DELETE"},
    "api-webhook-secret": {"POST"},
    "api-webhook-test": {"POST"},
    "api-webhook-redeliver": {"POST"},
}
"""What the pages ask for as well (tests/portal/accounts/test_step_up_places.py)."""


@pytest.fixture
def case(side, settings, stores):
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    return answered_submission(side.own)


@pytest.fixture
def tired(client, side, time_machine):
    """A dermatologist whose browser logged in long ago."""
    log_in(client, side.own.dermatologist)
    time_machine.move_to(timezone.now() + LATER)
    return client


def decision(case):
    return {
        "submission": str(case.pk),
        "diagnosis": "melanoma",
        "agreement": "agrees",
        "management": "excise",
    }


def test_signing_waits_for_a_confirmation(tired, case):
    sign = lambda: tired.post(f"{ROOT}/reviews/", decision(case), content_type="application/json")  # noqa: E731

    refused = sign()
    assert refused.status_code == 403
    problem = refused.json()
    assert problem["code"] == "confirmation_required"
    assert CONFIRM in problem["detail"]
    assert not Review.objects.exists()

    tired.post(CONFIRM, {"password": PASSWORD})
    assert sign().status_code == 201


def test_reading_waits_for_nothing(tired, case):
    assert tired.get(f"{ROOT}/submissions/{case.pk}/").status_code == 200
    assert tired.get(f"{ROOT}/reviews/").status_code == 200


def test_rights_come_first(client, side, case, time_machine):
    log_in(client, side.own.clinician)
    time_machine.move_to(timezone.now() + LATER)
    refused = client.post(f"{ROOT}/reviews/", decision(case), content_type="application/json")
    assert refused.json()["code"] == "permission_denied"


def test_a_token_is_its_own_confirmation(api, side, case):
    assert api(side.own.dermatologist).post(f"{ROOT}/reviews/", decision(case)).status_code == 201


def test_every_act_that_counts_is_known():
    stated = {}
    for name, view in token_views():
        methods = {one for one in getattr(view, "confirms", ()) if hasattr(view, one.lower())}
        if methods & {one.upper() for one in view.http_method_names}:
            stated[name] = methods & {one.upper() for one in view.http_method_names}
    assert stated == COUNTING
