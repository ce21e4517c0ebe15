"""Both functions that receivers are given, the published one and the client's, do what the signature needs."""

import time

import pytest

from classifier import client
from classifier.webhooks.docs import VERIFY
from classifier.webhooks.signing import sign

BODY = b'{"id":"1"}'


def publish():
    names = {}
    exec(VERIFY, names)
    return names["is_genuine"]


@pytest.fixture(params=[publish(), client.is_genuine], ids=["published", "client"])
def is_genuine(request):
    return request.param


def signed(*secrets, age=0):
    return sign(BODY, secrets=secrets, timestamp=int(time.time()) - age)


def test_genuine(is_genuine):
    assert is_genuine("whsec_a", signed("whsec_a"), BODY)
    assert is_genuine("whsec_a", signed("whsec_b", "whsec_a"), BODY)
    assert is_genuine("whsec_b", signed("whsec_b", "whsec_a"), BODY)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        "t=x,v1=00",
        "t=²,v1=00",
        "t=1,t=2,v1=00",
        "t=٣,v1=ä",
        "nonsense",
        "t=NOW,v1=ä",
        pytest.param(f"t={'9' * 5000},v1=00", id="long"),
    ],
)
def test_not_genuine(is_genuine, header):
    header = header.replace("NOW", str(int(time.time())))
    assert not is_genuine("whsec_a", header, BODY)


def test_forged_or_replayed(is_genuine):
    assert not is_genuine("whsec_a", signed("whsec_b"), BODY)
    assert not is_genuine("whsec_a", signed("whsec_a"), BODY + b" ")
    assert not is_genuine("whsec_a", signed("whsec_a", age=600), BODY)
    stale = signed("whsec_a", age=600)
    assert not is_genuine("whsec_a", f"t={int(time.time())},{stale.split(',')[1]}", BODY)
