"""What is kept of a request with a key, for how long, and who may see it again."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from classifier.intake.idempotency import KEPT, forget_requests
from classifier.models import IdempotentRequest
from classifier.privacy.erasure import erase_patient
from classifier.tasks import forget_requests_task
from portal.trust.accounts.models import Membership
from tests.classifier.api.conftest import ROOT, form, jpeg
from tests.factories import SubmissionFactory

SUBMISSIONS = f"{ROOT}/submissions/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def send(client, key="order-4711", **changes):
    return client.post(SUBMISSIONS, form(**changes), format="multipart", HTTP_IDEMPOTENCY_KEY=key)


def test_answer_is_kept_for_a_day(client):
    first = send(client)
    with time_machine.travel(timezone.now() + KEPT - dt.timedelta(minutes=1), tick=False):
        forget_requests_task()
        assert IdempotentRequest.objects.exists()
    with time_machine.travel(timezone.now() + KEPT, tick=False):
        # Before the sweep came by, the key is as good as new already.
        IdempotentRequest.objects.update(claimed_at=timezone.now())
        assert forget_requests() == 1
    assert send(client, images=[jpeg(4)]).json()["id"] != first.json()["id"]


def test_expired_key_is_free_before_the_sweep(client):
    first = send(client)
    IdempotentRequest.objects.update(created_at=timezone.now() - KEPT)
    assert send(client, images=[jpeg(4)]).json()["id"] != first.json()["id"]


def test_nothing_of_the_patient_can_be_read_in_the_row(client):
    send(client, key="MRN-API-1")
    row = IdempotentRequest.objects.values().get()
    assert "MRN-API-1" not in repr(row)
    assert "lesion.jpg" not in repr(row)
    assert len(row["sealed_answer"]) > 200


@pytest.mark.parametrize("path", ["submissions/{case}/cancel/", "patients/{patient}/consents/"])
def test_answer_that_made_nothing_goes_with_its_patient_too(client, side, path):
    case = SubmissionFactory(clinic=side.own.clinic)
    patient = case.lesion.patient
    address = f"{ROOT}/{path.format(case=case.pk, patient=patient.pk)}"
    sent = {"purpose": "teaching", "is_given": True} if "consents" in path else {}

    def act():
        return client.post(address, sent, HTTP_IDEMPOTENCY_KEY="once")

    first, again = act(), act()
    assert (first.status_code, again.json()) == (200, first.json())
    assert "Location" not in again
    erase_patient(actor=side.own.administrator, patient=patient, reason="request")
    assert act().status_code == 404


def test_answer_whose_key_is_gone_says_so(client, settings):
    send(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    IdempotentRequest.objects.update(sealed_answer="gAAAAA")
    again = send(client)
    assert (again.status_code, again.json()["code"]) == (409, "answer_lost")


def test_who_left_the_clinic_gets_no_answer_again(client, side):
    send(client)
    Membership.objects.filter(user=side.own.integration).update(clinic=side.other.clinic)
    assert send(client).status_code == 404
