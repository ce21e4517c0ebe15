"""A name is what it resolves to, all of it."""

import socket
import time

import pytest

from classifier.webhooks import ssrf_guard
from classifier.webhooks.ssrf_guard import check_url, read_url
from tests.classifier.webhooks.refusals import code_of

PUBLIC = "93.184.216.34"


@pytest.fixture
def names(monkeypatch):
    """`names["ehr.example"] = ["10.0.0.1"]`: what the resolver answers."""
    table: dict[str, list[str]] = {}

    def resolve(host, port, **_):
        if host not in table:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in table[host]]

    monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", resolve)
    return table


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "fd12:3456::1",
    ],
)
def test_a_name_is_what_it_resolves_to(names, text):
    names["ehr.example"] = [text]
    assert code_of(lambda: check_url("https://ehr.example/")) == "address_refused"


def test_one_inner_address_refuses_the_name(names):
    names["ehr.example"] = [PUBLIC, "10.0.0.1"]
    assert code_of(lambda: check_url("https://ehr.example/")) == "address_refused"
    names["ehr.example"] = [PUBLIC, "8.8.8.8"]
    assert check_url("https://ehr.example/").host == "ehr.example"


def test_unknown_name(names):
    assert code_of(lambda: check_url("https://nowhere.example/")) == "name_not_found"


def test_resolver_that_hangs(monkeypatch, settings):
    settings.DERMAPORT_WEBHOOK_CONNECT_SECONDS = 0.1
    monkeypatch.setattr(ssrf_guard.socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    started = time.monotonic()
    assert code_of(lambda: check_url("https://ehr.example/")) == "name_not_found"
    assert time.monotonic() - started < 1


def test_network_of_the_hospital(settings, names):
    settings.DERMAPORT_WEBHOOK_NETWORKS = ["10.20.0.0/16", "fd12:3456::/32"]
    names["ehr.hospital.example"] = ["10.20.3.4"]
    assert check_url("https://ehr.hospital.example/").port == 443
    assert code_of(lambda: check_url("http://ehr.hospital.example/")) == "https_needed"


class TestLoopbackOfADeveloper:
    @pytest.fixture(autouse=True)
    def switched_on(self, settings):
        settings.DERMAPORT_WEBHOOK_LOOPBACK = True

    def test_http_on_any_port(self, names):
        names["localhost"] = ["127.0.0.1"]
        assert check_url("http://localhost:5000/hooks").port == 5000
        assert read_url("http://127.0.0.1:5000/").scheme == "http"

    def test_nothing_else(self, names):
        names["ehr.example"] = [PUBLIC]
        names["localhost"] = ["10.0.0.1"]
        assert code_of(lambda: check_url("http://ehr.example/")) == "https_needed"
        assert code_of(lambda: check_url("https://ehr.example:5000/")) == "port_refused"
        assert code_of(lambda: check_url("http://localhost:5000/")) == "address_refused"
        names["localhost"] = [PUBLIC]
        assert code_of(lambda: check_url("http://localhost:5000/")) == "https_needed"
