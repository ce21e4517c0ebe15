"""OAuth tokens that are ended before their time."""

from portal.trust.accounts.tokens.use import revoke_all_tokens
from tests.support.oauth import call, refresh


def test_new_password_ends_what_acts_for_the_person(website, token, person):
    assert revoke_all_tokens(user=person) == 1
    assert call(token["access_token"]).status_code == 401
    assert refresh(website, token["refresh_token"]).status_code == 400


def test_client_gives_its_token_back(client, website, token):
    given = {"client_id": website.application.client_id, "client_secret": website.secret}
    answer = client.post("/oauth/revoke/", {**given, "token": token["access_token"]})
    assert answer.status_code == 200
    assert call(token["access_token"]).status_code == 401
    assert refresh(website, token["refresh_token"]).status_code == 400


def test_api_ends_the_token_that_calls_it(client, website, token):
    header = {"Authorization": f"Bearer {token['access_token']}"}
    assert client.delete("/api/v1/token/", headers=header).status_code == 204
    assert call(token["access_token"]).status_code == 401
    assert refresh(website, token["refresh_token"]).status_code == 400
