"""Which addresses the portal calls."""

import ipaddress

import pytest

from classifier.webhooks.ssrf_guard import check_address
from tests.classifier.webhooks.refusals import code_of

REFUSED = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1"),
    *("198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "168.63.129.16"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::ffff:0:10.0.0.1"),
    *("64:ff9b::a00:1", "64:ff9b::5db8:d822", "64:ff9b:1::a00:1", "2002:a00:1::", "2002:5db8:d822::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1", "fc00::1", "fd12:3456::1"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
]

ALLOWED = ["93.184.216.34", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("text", REFUSED)
def test_refused_address(text):
    assert code_of(lambda: check_address(ipaddress.ip_address(text))) == "address_refused"


@pytest.mark.parametrize("text", ALLOWED)
def test_public_address(text):
    check_address(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["10.20.3.4", "fd12:3456::9"])
def test_network_of_the_hospital(settings, text):
    settings.DERMAPORT_WEBHOOK_NETWORKS = ["10.20.0.0/16", "fd12:3456::/32"]
    check_address(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["10.21.0.1", "::ffff:10.20.3.4", "2002:a14:304::", "64:ff9b::a14:304", "fd12:3457::1"]
)
def test_nothing_beside_it(settings, text):
    settings.DERMAPORT_WEBHOOK_NETWORKS = ["10.20.0.0/16", "fd12:3456::/32"]
    assert code_of(lambda: check_address(ipaddress.ip_address(text))) == "address_refused"
