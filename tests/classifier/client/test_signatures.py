"""The check that receivers are given, against what the portal signs with."""

import time

import pytest

from classifier.client import is_genuine
from classifier.services.webhook_signatures import sign

BODY = b'{"id":"1"}'


def signed(*secrets, age=0):
    return sign(BODY, secrets=secrets, timestamp=int(time.time()) - age)


def test_genuine():
    assert is_genuine("whsec_a", signed("whsec_a"), BODY)
    assert is_genuine("whsec_a", signed("whsec_b", "whsec_a"), BODY)


def test_forged_changed_or_replayed():
    assert not is_genuine("whsec_a", signed("whsec_b"), BODY)
    assert not is_genuine("whsec_a", signed("whsec_a"), BODY + b" ")
    assert not is_genuine("whsec_a", signed("whsec_a", age=600), BODY)


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
        pytest.param(f"t={'9' * 5000},v1=00", id="long"),
    ],
)
def test_nonsense(header):
    assert not is_genuine("whsec_a", header, BODY)
