"""Second factors for tests: an authenticator app, and log-in with and without it."""

from __future__ import annotations

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client

from portal.accounts.models import User
from tests.support.people import PASSWORD


def log_in(client: Client, person: User, password: str = PASSWORD, **extra):
    """By the page, as a person does; `force_login` leaves no trace of how one got in."""
    return client.post("/accounts/login/", {"login": person.email, "password": password, **extra})


def set_up_app(person: User) -> str:
    """Give the person an authenticator app and recovery codes; return the app's secret."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    RecoveryCodes.activate(person)
    return secret


def code_of(secret: str, *, steps: int = 0) -> str:
    """The app's code now, or some steps of half a minute later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def recovery_codes_of(person: User) -> list[str]:
    return Authenticator.objects.get(user=person, type="recovery_codes").wrap().get_unused_codes()
