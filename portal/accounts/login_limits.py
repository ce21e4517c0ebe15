"""Growing waits after failed log-ins, in place of a lock that anybody could put on a colleague.

Each try is counted before the password is looked at, so that many at once don't slip through, and
forgiven when it was right. From a browser in which the person has logged in before only that
browser's own failures count: strangers who fail elsewhere, or behind the same address, don't
keep them out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allauth.core.internal.ratelimit import get_ip
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal.accounts.known_devices import find_known_device
from portal.accounts.models import LoginWait

if TYPE_CHECKING:
    from django.http import HttpRequest

FORGET = dt.timedelta(hours=24)


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
    return (_counter(ACCOUNT, email, of=of), _counter(PAIR, email, get_ip(request), of=of))


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
