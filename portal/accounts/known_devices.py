"""Browsers in which a person has logged in before, told by a signed cookie.

It opens nothing. It only says whose failures count: those of this browser, not of strangers.
A new password makes it worthless.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.accounts.models import User

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

COOKIE = "device"
SALT = "portal.accounts.device"
DAYS = 90
# People who share a machine; the oldest goes.
MOST = 8


def find_known_device(request: HttpRequest, email: str) -> str:
    """The browser's id if the person with this address has logged in here; "" otherwise."""
    device, people = _read(request)
    user = User.objects.filter(email__iexact=email.strip()).first() if people else None
    if user is not None and constant_time_compare(people.get(str(user.pk), ""), _digest(user)):
        return device
    return ""


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    device, people = _read(request)
    people.pop(str(user.pk), None)
    people[str(user.pk)] = _digest(user)
    kept = dict(list(people.items())[-MOST:])
    response.set_cookie(
        COOKIE,
        signing.dumps([device or secrets.token_urlsafe(16), kept], salt=SALT),
        max_age=DAYS * 24 * 3600,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, dict[str, str]]:
    try:
        found: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=DAYS * 24 * 3600)
    except signing.BadSignature:
        return "", {}
    return found[0], found[1]


def _digest(user: User) -> str:
    return salted_hmac(SALT, user.password, algorithm="sha256").hexdigest()[:32]
