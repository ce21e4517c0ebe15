"""Settings, Webhooks: from adding one to reading its log."""

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhooks.endpoints import remove_endpoint, update_endpoint
from classifier.webhooks.signing import read_secrets
from tests.support.shown import read_shown
from tests.support.webhooks import SECRET, WebhookDeliveryFactory, WebhookEndpointFactory

HOOK = {"url": "https://93.184.216.34/hooks", "description": "The EHR", "events": ["review.signed"]}


@pytest.fixture
def client(staff):
    client = Client()
    client.force_login(staff.administrator)
    return client


def at(name, row):
    return reverse(name, args=[row.pk])


def test_added_with_a_secret_that_is_shown_once(client):
    page = client.post(reverse("webhooks"), HOOK)
    endpoint = WebhookEndpoint.objects.get()
    [secret] = read_secrets(endpoint)
    assert secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    for address in (reverse("webhooks"), at("webhook-detail", endpoint)):
        words = client.get(address).content.decode()
        assert "The EHR" in words
        assert "whsec_" not in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://93.184.216.34/"}, "must begin with https://"),
        ({"url": "https://10.0.0.1/"}, "public addresses only"),
        ({"url": ""}, "required"),
        ({"events": []}, "required"),
        ({"events": ["patient.created"]}, "not one of the available choices"),
    ],
)
def test_what_can_not_be_taken_is_said(client, changes, words):
    page = client.post(reverse("webhooks"), {**HOOK, **changes})
    assert page.status_code == 400
    assert words in page.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_an_event_is_named_by_all_that_it_tells(client, endpoint):
    """A refusal of the gates and an answer too close to call are one event."""
    for address in (reverse("webhooks"), at("webhook-detail", endpoint)):
        words = client.get(address).content.decode().replace("&#x27;", "'")
        assert "The model can't judge an image, or it refers it" in words


def test_changed(client, endpoint):
    assert client.post(at("webhook-detail", endpoint), HOOK).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.events) == tuple(HOOK.values())
    refused = client.post(at("webhook-detail", endpoint), {**HOOK, "url": "https://[::1]/"})
    assert refused.status_code == 400


def test_new_secret(client, endpoint):
    words = client.post(at("webhook-rotate", endpoint)).content.decode()
    endpoint.refresh_from_db()
    new, former = read_secrets(endpoint)
    assert former == SECRET
    assert new in words
    assert SECRET not in words


def test_page_says_how_it_is_signed(client, staff):
    standard, former = (
        WebhookEndpointFactory(clinic=staff.clinic, signature_scheme=scheme)
        for scheme in ("standard", "former")
    )
    words = client.get(at("webhook-detail", former)).content.decode()
    assert "Dermaport-Signature goes on until you make a new secret" in words
    assert "for 24 hours by the former secret too" in words
    words = client.get(at("webhook-detail", standard)).content.decode()
    assert "Standard Webhooks" in words
    assert "Dermaport-Signature" not in words
    client.post(at("webhook-rotate", former))
    assert "Dermaport-Signature" not in client.get(at("webhook-detail", former)).content.decode()


def test_page_that_was_open_all_the_time_writes_back_no_former_address(client, staff, endpoint):
    page = client.get(at("webhook-detail", endpoint)).text
    shown = read_shown(page)
    update_endpoint(actor=staff.administrator, endpoint=endpoint, url="https://93.184.216.34/moved")

    client.post(at("webhook-detail", endpoint), {**HOOK, **shown, "url": shown["initial-url"]})

    endpoint.refresh_from_db()
    assert endpoint.url == "https://93.184.216.34/moved"
    assert endpoint.description == "The EHR"


def test_off_on_and_removed(client, endpoint):
    client.post(at("webhook-active", endpoint), {"active": "no"})
    assert "Switch on" in client.get(at("webhook-detail", endpoint)).content.decode()
    client.post(at("webhook-active", endpoint), {"active": "yes"})
    assert "Send a test" in client.get(at("webhook-detail", endpoint)).content.decode()
    assert b"be undone" in client.get(at("webhook-remove", endpoint)).content
    client.post(at("webhook-remove", endpoint))
    assert client.get(at("webhook-detail", endpoint)).status_code == 404


@pytest.mark.parametrize("name", ["webhook-rotate", "webhook-active", "webhook-remove"])
def test_what_a_colleague_removed_at_the_same_moment_is_said(client, staff, endpoint, monkeypatch, name):
    remove_endpoint(actor=staff.administrator, endpoint=endpoint)
    monkeypatch.setattr("classifier.pages.webhooks.find_endpoint", lambda *_: endpoint)

    assert "This webhook was removed." in client.post(at(name, endpoint), follow=True).text


def test_log_with_filters_and_redelivery(client, endpoint):
    failed = WebhookDeliveryFactory(
        endpoint=endpoint, state="failed", attempt=3, status_code=500, answer="<b>no</b>"
    )
    WebhookDeliveryFactory(endpoint=endpoint, state="delivered")
    words = client.get(at("webhook-detail", endpoint)).content.decode()
    assert "3 tries" in words
    assert "&lt;b&gt;no&lt;/b&gt;" in words
    page = client.get(at("webhook-detail", endpoint), {"state": "failed", "type": "review.signed"})
    assert [row.pk for row, *_ in page.context["deliveries"]] == [failed.pk]
    nothing = client.get(at("webhook-detail", endpoint), {"type": "webhook.test"})
    assert "No delivery fits these filters." in nothing.content.decode()
    assert client.post(at("webhook-redeliver", failed)).status_code == 302
    assert WebhookDelivery.objects.waiting().get().event == failed.event


def test_test(client, endpoint):
    client.post(at("webhook-test", endpoint))
    assert WebhookDelivery.objects.get().event.type == "webhook.test"


def test_home_tells_administrators_alone(staff, client):
    off = WebhookEndpointFactory(clinic=staff.clinic, off="failing", description="The EHR")
    WebhookEndpointFactory(clinic=staff.clinic, off="by_person", description="Another")
    words = client.get(reverse("home")).content.decode()
    assert at("webhook-detail", off) in words
    assert "Another" not in words
    client.force_login(staff.clinician)
    assert "The EHR" not in client.get(reverse("home")).content.decode()
