"""Clients of the OAuth server, for tests."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from portal.trust.accounts.oauth.applications import register_application

AUTHORIZE, TOKEN = "/oauth/authorize/", "/oauth/token/"
RETURN = "https://records.example/callback"
VERIFIER = "a-verifier-that-is-long-enough-to-be-taken-by-the-server"


def challenge(verifier=VERIFIER):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def register(staff, kind="website", **changes):
    """An application of this clinic, and its secret."""
    given = {
        "name": "Hospital records",
        "scopes": ["submissions:read", "patients:read"],
        "redirect_uris": "" if kind == "system" else RETURN,
        **changes,
    }
    return register_application(actor=staff.administrator, clinic=staff.clinic, kind=kind, **given)


def ask(application, **changes):
    """What the client sends a person's browser to the site with."""
    given = {
        "client_id": application.client_id,
        "response_type": "code",
        "redirect_uri": RETURN,
        "scope": "submissions:read",
        "state": "xyz",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def returned(answer):
    """What the browser brings back to the client."""
    assert answer.status_code == 302, answer.content.decode()
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def agree(client, application, **changes):
    """A person reads the page and agrees; the code that the client gets."""
    page = client.get(AUTHORIZE, ask(application, **changes))
    assert page.status_code == 200, page.content.decode()
    form = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    return returned(client.post(AUTHORIZE, {**form, "allow": "true"}))["code"]


def redeem(registration, code, /, **changes):
    given = {
        "grant_type": "authorization_code",
        "client_id": registration.application.client_id,
        "client_secret": registration.secret,
        "code": code,
        "redirect_uri": RETURN,
        "code_verifier": VERIFIER,
        **changes,
    }
    return Client().post(TOKEN, {name: value for name, value in given.items() if value})


def ask_by_itself(registration, **changes):
    given = {
        "grant_type": "client_credentials",
        "client_id": registration.application.client_id,
        "client_secret": registration.secret,
        **changes,
    }
    return Client().post(TOKEN, given)


def refresh(registration, token, /, **changes):
    given = {
        "grant_type": "refresh_token",
        "client_id": registration.application.client_id,
        "client_secret": registration.secret,
        "refresh_token": token,
        **changes,
    }
    return Client().post(TOKEN, {name: value for name, value in given.items() if value})


def call(token, address="/api/v1/me/"):
    return Client().get(address, headers={"Authorization": f"Bearer {token}"})
