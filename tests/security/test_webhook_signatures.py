"""Signatures: whoever receives can check them, by the specification's library, the client, or the published lines."""

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from classifier import client
from classifier.webhooks.docs import VERIFY
from classifier.webhooks.signing import Signer, make_secret

BODY = b'{"id":"1"}'
A, B = make_secret(), make_secret()
FORMER = "whsec_9-urlsafe_as_secrets_were_before"


def publish():
    names = {}
    exec(VERIFY, names)
    return names["is_genuine"]


def verify(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):
        return False
    return True


@pytest.fixture(params=[publish(), client.is_genuine, verify], ids=["published", "client", "library"])
def is_genuine(request):
    return request.param


def signed(*secrets, age=0, scheme="standard"):
    return dict(Signer(secrets, scheme).sign(BODY, event_id="event-1", timestamp=int(time.time()) - age))


def test_secret_is_32_random_bytes():
    assert len(base64.b64decode(A.removeprefix("whsec_"), validate=True)) == 32
    assert A != B


def test_known_answer():
    """The example of the specification."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = dict(
        Signer((secret,)).sign(
            b'{"test": 2432232314}', event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330
        )
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_genuine(is_genuine):
    assert is_genuine(A, signed(A), BODY)
    assert is_genuine(A, {name.title(): value for name, value in signed(A).items()}, BODY)
    for secret in (A, B):
        assert is_genuine(secret, signed(B, A), BODY)


def test_forged_or_replayed(is_genuine):
    assert not is_genuine(A, signed(B), BODY)
    assert not is_genuine(A, signed(A), BODY + b" ")
    assert not is_genuine(A, signed(A, age=600), BODY)
    assert not is_genuine(A, signed(A, age=-600), BODY)
    for name, value in (("webhook-id", "event-2"), ("webhook-timestamp", str(int(time.time()) + 1))):
        assert not is_genuine(A, {**signed(A), name: value}, BODY)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize(
    "value", [None, "", "nonsense", "v1,", "v1", "v2,AAAA", "v1,ä", "²", "٣", "9" * 5000]
)
def test_not_genuine(is_genuine, name, value):
    headers = signed(A)
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    assert not is_genuine(A, headers, BODY)


class TestFormer:
    """Endpoints from before the specification: the client of both versions reads what they are sent."""

    def test_signed_as_before(self):
        headers = signed(FORMER, scheme="former")
        assert set(headers) == {"Dermaport-Signature"}
        assert client.is_genuine(FORMER, headers, BODY)
        assert client.is_genuine(FORMER, headers["Dermaport-Signature"], BODY)
        assert not client.is_genuine(FORMER, headers, BODY + b" ")
        assert not client.is_genuine(A, headers, BODY)
        assert not client.is_genuine(FORMER, signed(FORMER, scheme="former", age=600), BODY)

    def test_while_the_secret_is_changed_each_signs_in_its_own_way(self):
        headers = signed(A, FORMER, scheme="changing")
        assert verify(A, headers, BODY)
        assert client.is_genuine(A, headers, BODY)
        assert client.is_genuine(FORMER, headers, BODY)
        assert client.is_genuine(FORMER, headers["Dermaport-Signature"], BODY)
        assert not client.is_genuine(A, headers["Dermaport-Signature"], BODY)

    def test_when_its_time_is_over_only_the_new_one_signs(self):
        headers = signed(A, scheme="changing")
        assert "Dermaport-Signature" not in headers
        assert verify(A, headers, BODY)

    @pytest.mark.parametrize(
        "header",
        [
            *(
                "",
                "t=1",
                "v1=00",
                "t=x,v1=00",
                "t=²,v1=00",
                "t=1,t=2,v1=00",
                "t=٣,v1=ä",
                "nonsense",
                "t=NOW,v1=ä",
            ),
            pytest.param(f"t={'9' * 5000},v1=00", id="long"),
        ],
    )
    def test_not_genuine(self, header):
        header = header.replace("NOW", str(int(time.time())))
        assert not client.is_genuine(FORMER, header, BODY)
        assert not client.is_genuine(FORMER, {"dermaport-signature": header}, BODY)
