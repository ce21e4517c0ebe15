"""What the server says of itself, and what it doesn't offer."""

import pytest

from portal.trust.accounts.tokens.scopes import SCOPES

pytestmark = pytest.mark.django_db


def test_metadata_names_what_is_there(client):
    answer = client.get("/.well-known/oauth-authorization-server").json()

    assert answer["issuer"] == "http://testserver"
    assert answer["authorization_endpoint"] == "http://testserver/oauth/authorize/"
    assert answer["token_endpoint"] == "http://testserver/oauth/token/"
    assert answer["revocation_endpoint"] == "http://testserver/oauth/revoke/"
    assert answer["code_challenge_methods_supported"] == ["S256"]
    assert answer["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert answer["response_types_supported"] == ["code"]
    assert answer["scopes_supported"] == sorted(SCOPES)
    assert "introspection_endpoint" not in answer


@pytest.mark.parametrize(
    "path", ["introspect", "device-authorization", "applications", "register", "userinfo"]
)
def test_rest_of_the_toolkit_is_not_there(client, path):
    assert client.get(f"/oauth/{path}/").status_code == 404
