"""Webhooks over the API: the same rules, secrets in the answers that make them and nowhere else."""

import pytest

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhooks.signing import read_secrets
from tests.classifier.api.conftest import ROOT, api, codes  # noqa: F401 (a fixture)
from tests.support.webhooks import SECRET, WebhookDeliveryFactory, WebhookEndpointFactory

HOOK = {"url": "https://93.184.216.34/hooks", "events": ["review.signed", "prediction.failed"]}


@pytest.fixture
def client(staff, api):  # noqa: F811
    return api(staff.administrator)


def at(endpoint, what=""):
    return f"{ROOT}/webhooks/{endpoint.pk}/{what}"


def test_added_and_read(client, staff):
    made = client.post(f"{ROOT}/webhooks/", HOOK)
    assert made.status_code == 201
    endpoint = WebhookEndpoint.objects.get()
    assert read_secrets(endpoint) == (made.json()["secret"],)
    assert made.json()["events"] == ["prediction.failed", "review.signed"]
    assert made.json()["clinic"] == str(staff.clinic.pk)
    for answer in (client.get(f"{ROOT}/webhooks/"), client.get(at(endpoint))):
        assert answer.status_code == 200
        assert "secret" not in str(answer.json()).replace("previous_secret_until", "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "https://127.0.0.1/"}, ("address_refused", "url")),
        ({"url": "http://93.184.216.34/"}, ("https_needed", "url")),
        ({"events": []}, ("empty", "events")),
        ({"events": ["webhook.test"]}, ("invalid_choice", "events.0")),
        ({"description": "x" * 121}, ("description_too_long", "description")),
        ({"clinic": "00000000-0000-0000-0000-000000000001"}, ("does_not_exist", "clinic")),
    ],
)
def test_refused(client, changes, code):
    answer = client.post(f"{ROOT}/webhooks/", {**HOOK, **changes})
    assert (answer.status_code, codes(answer)) == (400, [code])


def test_clinic_of_a_colleague_without_the_right(client, side, api):  # noqa: F811
    made = api(side.other.administrator).post(f"{ROOT}/webhooks/", {**HOOK, "clinic": side.own.clinic.pk})
    assert (made.status_code, codes(made)) == (400, [("does_not_exist", "clinic")])


def test_changed_switched_and_removed(client, endpoint):
    answer = client.patch(at(endpoint), {"description": "The EHR", "is_active": False})
    assert answer.json()["description"] == "The EHR"
    assert (answer.json()["is_active"], answer.json()["disabled_reason"]) == (False, "by_person")
    assert client.patch(at(endpoint), {"is_active": True}).json()["disabled_reason"] == ""
    refused = client.patch(at(endpoint), {"url": "https://10.0.0.1/", "is_active": False})
    assert codes(refused) == [("address_refused", "url")]
    endpoint.refresh_from_db()
    assert endpoint.is_active
    assert client.delete(at(endpoint)).status_code == 204
    assert client.get(at(endpoint)).status_code == 404


def test_new_secret(client, endpoint):
    answer = client.post(at(endpoint, "secret/")).json()
    endpoint.refresh_from_db()
    assert read_secrets(endpoint) == (answer["secret"], SECRET)
    assert answer["previous_secret_until"]


def test_log_and_redelivery(client, side, endpoint):
    failed = WebhookDeliveryFactory(endpoint=endpoint, state="failed", status_code=500)
    WebhookDeliveryFactory(endpoint=endpoint, state="delivered")
    WebhookDeliveryFactory(endpoint=WebhookEndpointFactory(clinic=side.own.clinic))
    assert len(client.get(at(endpoint, "deliveries/")).json()["results"]) == 2
    [row] = client.get(at(endpoint, "deliveries/"), {"state": "failed"}).json()["results"]
    assert (row["id"], row["status_code"], row["error_code"]) == (str(failed.pk), 500, "timed_out")
    again = client.post(f"{ROOT}/webhook-deliveries/{failed.pk}/redeliver/")
    assert again.status_code == 202
    assert again.json()["event"]["id"] == row["event"]["id"]
    twice = client.post(f"{ROOT}/webhook-deliveries/{failed.pk}/redeliver/")
    assert (twice.status_code, codes(twice)) == (409, [("still_in_work", None)])


def test_test(client, endpoint):
    assert client.post(at(endpoint, "test/")).status_code == 202
    assert WebhookDelivery.objects.get().event.type == "webhook.test"
    client.patch(at(endpoint), {"is_active": False})
    assert codes(client.post(at(endpoint, "test/"))) == [("disabled", None)]
