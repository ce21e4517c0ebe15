"""Second factors for tests: an authenticator app, and log-in with and without it."""

from __future__ import annotations

import base64
import hmac
import secrets
import time

from allauth.mfa.models import Authenticator
from django.test import Client

from portal.trust.accounts.models import User
from tests.support.people import PASSWORD

STEP_SECONDS = 30


def log_in(client: Client, person: User, password: str = PASSWORD, **extra):
    """By the page, as a person does; `force_login` leaves no trace of how one got in."""
    return client.post("/accounts/login/", {"login": person.email, "password": password, **extra})


def set_up_app(person: User) -> str:
    """Give the person an authenticator app and recovery codes; return the app's secret."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    type(Authenticator(type=Authenticator.Type.TOTP).wrap()).activate(person, secret)
    type(Authenticator(type=Authenticator.Type.RECOVERY_CODES).wrap()).activate(person)
    return secret


def code_of(secret: str, *, steps: int = 0) -> str:
    """The app's code now, or some steps of half a minute later (RFC 6238)."""
    counter = int(time.time()) // STEP_SECONDS + steps
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def recovery_codes_of(person: User) -> list[str]:
    return Authenticator.objects.get(user=person, type="recovery_codes").wrap().get_unused_codes()
