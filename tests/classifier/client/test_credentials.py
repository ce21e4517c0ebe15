"""Tokens come from a file, the environment or the OAuth server, and are sent over TLS alone."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import httpx
import pytest

from classifier.client import (
    ApiError,
    Client,
    ClientCredentials,
    ConfigurationError,
    ProtocolError,
    Token,
    TokenFile,
)
from classifier.client.credentials import read_credentials, read_site
from tests.classifier.client.portal import TOKEN, Portal, problem
from tests.classifier.client.shapes import example

ME = example({"$ref": "#/components/schemas/Me"})


def issue(number: int, seconds: int = 3600) -> httpx.Response:
    told = {"access_token": f"dpo_{number}", "expires_in": seconds, "token_type": "Bearer", "scope": "x"}
    return httpx.Response(200, json=told)


def sent(request: httpx.Request) -> str:
    return request.headers["Authorization"]


def test_token_is_sent_as_bearer_and_shown_nowhere():
    portal = Portal([httpx.Response(200, json=ME)])
    client = portal.client()
    client.me()
    assert sent(portal.last) == f"Bearer {TOKEN}"
    assert TOKEN not in repr(vars(client.connection)) + repr(Token(TOKEN))
    assert "s3cret" not in repr(ClientCredentials("id", "s3cret"))


def test_refused_token_is_read_from_its_file_again(tmp_path):
    file = tmp_path / "token"
    file.write_text("dp_old\n")

    def answer(request):
        if sent(request) == "Bearer dp_new":
            return httpx.Response(200, json=ME)
        file.write_text("dp_new\n")
        return problem(401, "authentication_failed")

    portal = Portal([answer])
    portal.client(TokenFile(file)).me()
    assert [sent(request) for request in portal.asked] == ["Bearer dp_old", "Bearer dp_new"]


def test_token_that_stays_refused_is_told(tmp_path):
    file = tmp_path / "token"
    file.write_text("dp_old\n")
    portal = Portal([problem(401, "authentication_failed")])
    for credentials in (TokenFile(file), TOKEN):
        with pytest.raises(ApiError) as told:
            portal.client(credentials).me()
        assert told.value.status == 401
    assert len(portal.asked) == 2


def test_a_system_fetches_its_token_and_another_before_it_ends():
    now = [0.0]
    portal = Portal([issue(1), httpx.Response(200, json=ME)])
    client = portal.client(ClientCredentials("id", "s3cret", "clinics:read", clock=lambda: now[0]))
    client.me()
    asked = portal.asked[0]
    assert asked.url.path == "/oauth/token/"
    assert sent(asked) == "Basic " + base64.b64encode(b"id:s3cret").decode()
    form = {name: values[0] for name, values in parse_qs(asked.content.decode()).items()}
    assert form == {"grant_type": "client_credentials", "scope": "clinics:read"}
    client.me()
    assert [sent(request) for request in portal.asked[1:]] == ["Bearer dpo_1"] * 2
    now[0] = 3550.0
    portal.answers = [issue(2), httpx.Response(200, json=ME)]
    client.me()
    assert sent(portal.last) == "Bearer dpo_2"


def test_a_revoked_token_of_a_system_is_fetched_anew_once():
    portal = Portal([issue(1), problem(401, "authentication_failed"), issue(2), problem(401, "x")])
    with pytest.raises(ApiError):
        portal.client(ClientCredentials("id", "s3cret")).me()
    assert [request.url.path for request in portal.asked].count("/oauth/token/") == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), ApiError),
        (httpx.Response(500, text="x"), ApiError),
        (httpx.Response(200, text="x"), ProtocolError),
        (httpx.Response(200, json={"access_token": "dpo_1"}), ProtocolError),
    ],
)
def test_token_endpoint_that_refuses(answer, error):
    with pytest.raises(error):
        Portal([answer]).client(ClientCredentials("id", "s3cret")).me()


@pytest.mark.parametrize("trouble", [httpx.Response(502, text="x"), problem(429, "throttled", after="0")])
def test_token_endpoint_that_is_away_for_a_moment(trouble):
    portal = Portal([trouble, issue(1), httpx.Response(200, json=ME)])
    portal.client(ClientCredentials("id", "s3cret")).me()
    assert sent(portal.last) == "Bearer dpo_1"


@pytest.mark.parametrize("text", ["", " ", "dp_a dp_b", "dp_a\r\nX-Other: 1", "dp_ä"])
def test_text_that_is_no_token(text):
    with pytest.raises(ConfigurationError) as told:
        Portal([httpx.Response(200, json=ME)]).client(text).me()
    assert not text.strip() or text not in str(told.value)


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError):
        Portal([httpx.Response(200, json=ME)]).client(TokenFile(tmp_path / "none")).me()


@pytest.mark.parametrize(
    ("given", "site"),
    [
        ("https://portal.example", "https://portal.example"),
        ("https://portal.example/api/v1/", "https://portal.example"),
        ("https://portal.example:8443/skin/", "https://portal.example:8443/skin"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_address(given, site):
    assert read_site(given) == site


@pytest.mark.parametrize(
    "given",
    [
        *("http://portal.example", "http://127.0.0.1.portal.example", "http://localhost.portal.example"),
        *("portal.example", "ftp://portal.example", "https://", "https://portal.example:port/"),
        *("https://user:word@portal.example", "https://portal.example/?token=1", "https://a.example/#b"),
    ],
)
def test_address_that_no_token_is_sent_to(given):
    with pytest.raises(ConfigurationError):
        read_site(given)


def test_environment_says_where_and_who(tmp_path):
    site = {"DERMAPORT_URL": "https://portal.example"}
    assert (
        Client.from_environment({**site, "DERMAPORT_TOKEN": TOKEN}).connection.site == site["DERMAPORT_URL"]
    )
    assert read_credentials({"DERMAPORT_TOKEN_FILE": "x"}).path.name == "x"
    assert read_credentials({"DERMAPORT_TOKEN": TOKEN}, token_file=tmp_path).path == tmp_path
    system = {"DERMAPORT_CLIENT_ID": "id", "DERMAPORT_CLIENT_SECRET": "s", "DERMAPORT_SCOPE": "a b"}
    assert read_credentials(system) == ClientCredentials("id", "s", "a b")
    for missing in ({}, site, {"DERMAPORT_TOKEN": TOKEN}, {**site, "DERMAPORT_CLIENT_ID": "id"}):
        with pytest.raises(ConfigurationError):
            Client.from_environment(missing)
