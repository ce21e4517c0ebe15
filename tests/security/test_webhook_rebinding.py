"""One delivery over TLS: pinned to the checked address, verified, signed."""

import socket
import time

import pytest
from standardwebhooks import Webhook

from classifier.webhooks import ssrf_guard
from classifier.webhooks.docs import VERIFY
from classifier.webhooks.signing import Signer
from classifier.webhooks.ssrf_guard import check_url
from classifier.webhooks.transport import DeliveryRequest, send
from tests.classifier.webhooks.receiver import HOST, Receiver, resolve_to

SIGNS = "whsec_"
BODY = b'{"id":"1"}'
ONE, TWO = (SIGNS + "b25l" * 8, SIGNS + "dHdv" * 8)
PUBLIC, INNER = "93.184.216.34", "127.0.0.1"


def request(url, secrets=(ONE,)):
    return DeliveryRequest(url, "event-1", "review.signed", BODY, Signer(secrets))


@pytest.fixture
def resolver(monkeypatch):
    def answer(*addresses):
        fake = resolve_to(*addresses)
        monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", fake)
        return fake

    return answer


@pytest.fixture
def secure(tmp_path, settings):
    """An https receiver of the hospital's own network, under the name ehr.example."""
    with Receiver(tmp_path, tls=True) as receiver:
        settings.DERMAPORT_WEBHOOK_NETWORKS = ["127.0.0.1/32"]
        settings.DERMAPORT_WEBHOOK_PORTS = [receiver.port]
        settings.DERMAPORT_WEBHOOK_CA_FILE = str(receiver.ca_file)
        receiver.url = f"https://{HOST}:{receiver.port}/hooks?key=1"
        yield receiver


class TestOverTls:
    def test_delivered_to_the_checked_address_under_its_own_name(self, secure, resolver):
        resolver(INNER)
        result = send(request(secure.url))
        assert (result.error_code, result.status_code) == ("", 200)
        [received] = secure.requests
        assert received.path == "/hooks?key=1"
        assert received.headers["host"] == f"{HOST}:{secure.port}"
        assert received.body == BODY
        assert secure.server_names == [HOST]

    def test_signed(self, secure, resolver):
        """By the Standard Webhooks specification, as its own library reads it; with two secrets, by each."""
        resolver(INNER)
        send(request(secure.url, (ONE, TWO)))
        headers = secure.requests[0].headers
        assert headers["webhook-id"] == headers["dermaport-event-id"] == "event-1"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
        for secret in (ONE, TWO):
            assert Webhook(secret).verify(BODY, headers) == {"id": "1"}
        assert "dermaport-signature" not in headers
        assert headers["dermaport-event"] == "review.signed"
        assert headers["content-type"] == "application/json"

    def test_unknown_authority(self, secure, resolver, settings):
        resolver(INNER)
        settings.DERMAPORT_WEBHOOK_CA_FILE = ""
        assert send(request(secure.url)).error_code == "tls_failed"
        assert secure.requests == []

    def test_certificate_of_another_name(self, secure, resolver):
        resolver(INNER)
        url = f"https://other.example:{secure.port}/"
        assert send(request(url)).error_code == "tls_failed"
        assert secure.requests == []


class TestRebinding:
    """The name answers a public address when it is looked at, and an inner one afterwards."""

    def test_checked_again_at_delivery(self, secure, resolver, settings):
        settings.DERMAPORT_WEBHOOK_NETWORKS = []
        resolver(PUBLIC, INNER)
        check_url(secure.url)
        assert send(request(secure.url)).error_code == "address_refused"
        assert secure.requests == []

    def test_connected_to_what_was_checked(self, secure, resolver, monkeypatch):
        fake = resolver(INNER, "10.0.0.1")
        asked = []
        connect = socket.create_connection
        monkeypatch.setattr(
            socket, "create_connection", lambda to, *a, **k: asked.append(to) or connect(to, *a, **k)
        )
        assert send(request(secure.url)).status_code == 200
        assert fake.calls == 1
        assert asked == [(INNER, secure.port)]


class TestRedirects:
    """A public receiver that sends the portal inwards, to each kind of place."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_not_followed(self, secure, resolver, status):
        resolver(INNER)
        secure.answers = [(status, b"")]
        secure.headers = {"Location": f"https://127.0.0.1:{secure.port}/inner"}
        assert send(request(secure.url)).error_code == "redirected"
        assert [one.path for one in secure.requests] == ["/hooks?key=1"]


class TestReplay:
    """What a receiver got once, and somebody sends it again."""

    @pytest.fixture
    def is_genuine(self):
        names = {}
        exec(VERIFY, names)
        return names["is_genuine"]

    def test_payload_as_it_was_received(self, secure, resolver, is_genuine, time_machine):
        resolver(INNER)
        send(request(secure.url))
        [received] = secure.requests
        headers = received.headers
        assert is_genuine(ONE, headers, received.body)
        forged = received.body.replace(b'"1"', b'"2"')
        assert not is_genuine(ONE, headers, forged)
        assert not is_genuine(TWO, headers, received.body)
        another = {**headers, "webhook-id": "event-2"}
        assert not is_genuine(ONE, another, received.body)
        time_machine.move_to(time.time() + 301)
        assert not is_genuine(ONE, headers, received.body)

    def test_same_id_at_every_try(self, secure, resolver):
        """By which a receiver tells a replay within the minutes from a new event."""
        resolver(INNER)
        for _ in range(2):
            send(request(secure.url))
        assert {one.headers["webhook-id"] for one in secure.requests} == {"event-1"}
