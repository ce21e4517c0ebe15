"""Login throttling: growing waits after failures, in place of a lock that anybody could put on a colleague.

Each try is counted before the password is looked at, so that many at once don't slip through, and
forgiven when it was right. From a browser in which the person has logged in before only that
browser's own failures count: strangers who fail elsewhere, or behind the same address, don't
keep them out.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.trust.accounts.models import LoginWait, User

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


# --- Known devices ------------------------------------------------------------------------------
# A signed cookie tells that a person has logged in here before. It opens nothing. It only says whose
# failures count: those of this browser, not of strangers. A new password makes it worthless.


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


FORGET = dt.timedelta(hours=24)
IPV6_PREFIX = 64
"""Whoever has one IPv6 address has the whole network around it."""
RATE = re.compile(r"(\d+)/(\d*)([smhd])(?:/ip)?")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Limit:
    """So many failures are free; then the wait doubles from `first` to `longest` seconds."""

    name: str
    free: int
    first: int
    longest: int

    def wait_after(self, failures: int) -> int:
        if failures < self.free:
            return 0
        return int(min(self.first * 2 ** min(failures - self.free, 20), self.longest))


PAIR = Limit("address", free=5, first=60, longest=3600)
ACCOUNT = Limit("account", free=5, first=30, longest=900)
DEVICE = Limit("device", free=5, first=30, longest=900)

PASSWORD, CODE = "password", "code"
"""What is guessed: each is counted apart, so that a right password clears no wrong codes."""


@dataclass(frozen=True)
class Counter:
    limit: Limit
    key: str


@dataclass(frozen=True)
class Attempt:
    """One counted try: what it counts into, and how long the next one waits if it fails."""

    counters: tuple[Counter, ...]
    waits: dict[str, int]
    is_refused: bool
    by_known_device: bool


def count_attempt(request: HttpRequest, email: str, *, of: str = PASSWORD) -> Attempt:
    """Count a try to log in, unless it comes too soon after failures: then it is refused."""
    device = find_known_device(request, email)
    counters = (_counter(DEVICE, email, device, of=of),) if device else list_counters(request, email, of=of)
    now = timezone.now()
    with transaction.atomic():
        rows = []
        for counter in counters:
            rows.append(_lock(counter, now))
            if rows[-1].wait_until > now:
                return Attempt(counters, {}, is_refused=True, by_known_device=bool(device))
        waits = {
            counter.limit.name: _count(row, counter.limit, now)
            for row, counter in zip(rows, counters, strict=True)
        }
    return Attempt(counters, waits, is_refused=False, by_known_device=bool(device))


def list_counters(request: HttpRequest, email: str, *, of: str = PASSWORD) -> tuple[Counter, ...]:
    # Always in this order, so that two tries at once never wait for each other.
    return (_counter(ACCOUNT, email, of=of), _counter(PAIR, email, find_address(request), of=of))


def find_address(request: HttpRequest) -> str:
    """The client's address; of an IPv6 address the network that one household or clinic has."""
    address: str = get_adapter().get_client_ip(request)
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False).network_address)
    return address


def take_places(request: HttpRequest) -> list[str] | None:
    """Rate limit of failed log-ins by address, over all accounts: a try takes a place, a failure keeps it.

    The setting DERMAPORT_LOGIN_FAILED_RATE, such as "10/m": ten places, each held for a minute. Taking one
    is a single step of the cache, so that many tries at once don't slip through.
    Returns the places, to be given back when the password was right; None where all are taken.
    """
    taken: list[str] = []
    address = salted_hmac("portal.accounts.login", find_address(request), algorithm="sha256").hexdigest()
    for rate in filter(None, settings.DERMAPORT_LOGIN_FAILED_RATE.split(",")):
        amount, seconds = _parse_rate(rate.strip())
        places = (f"login-failed:{seconds}:{address}:{number}" for number in range(amount))
        place = next((one for one in places if cache.add(one, 1, timeout=seconds)), None)
        if place is None:
            give_back(taken)
            return None
        taken.append(place)
    return taken


def give_back(places: list[str]) -> None:
    cache.delete_many(places)


def _parse_rate(text: str) -> tuple[int, int]:
    found = RATE.fullmatch(text)
    if found is None:
        raise ImproperlyConfigured(f"DERMAPORT_LOGIN_FAILED_RATE: expected such as 10/m, received {text}.")
    return int(found[1]), int(found[2] or 1) * UNITS[found[3]]


def forgive(counters: tuple[Counter, ...]) -> None:
    """Forget failures: the password was right, or a new one was set by mail."""
    LoginWait.objects.filter(key__in=[counter.key for counter in counters]).delete()


def _counter(limit: Limit, email: str, place: str = "", *, of: str) -> Counter:
    text = f"{of}:{limit.name}:{email.strip().lower()}:{place}"
    return Counter(limit, salted_hmac("portal.accounts.login", text, algorithm="sha256").hexdigest())


def _lock(counter: Counter, now: dt.datetime) -> LoginWait:
    defaults = {"last_failed_at": now, "wait_until": now - FORGET}
    rows = LoginWait.objects.select_for_update()
    try:
        row, is_new = rows.get_or_create(key=counter.key, defaults=defaults)
    except IntegrityError:
        # Another try made the row and, being right, removed it while this one waited to.
        row, is_new = rows.get_or_create(key=counter.key, defaults=defaults)
    if is_new:
        LoginWait.objects.filter(last_failed_at__lt=now - FORGET).exclude(key=counter.key).delete()
    return row


def _count(row: LoginWait, limit: Limit, now: dt.datetime) -> int:
    if row.last_failed_at < now - FORGET:
        row.failures = 0
    row.failures += 1
    row.last_failed_at = now
    wait = limit.wait_after(row.failures)
    if wait:
        # Without one it stays in the past: a try that began a moment earlier must not read it as a wait.
        row.wait_until = now + dt.timedelta(seconds=wait)
    row.save()
    return wait
