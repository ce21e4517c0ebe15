"""When a call is made again, and for how long."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from classifier.client.errors import ApiError

TOO_MANY, CONFLICT, UNAVAILABLE = 429, 409, 503
GATEWAY = frozenset({502, 504})
"""From a proxy whose server is away: nothing came through, or its answer was lost."""
OPERATORS = frozenset({"no_active_model"})
"""503 that only a person ends."""
PENDING = "request_in_progress"


@dataclass(frozen=True)
class RetryPolicy:
    """Calls are made again for `patience` seconds at most, after pauses that grow up to `longest`.

    A pause that the server asks for (Retry-After) is kept; one that is longer than the patience left
    ends the attempts at once.
    """

    patience: float = 300.0
    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int) -> float:
        """After the failure number `attempt`, from 0, where the server named none."""
        return float(min(self.longest, self.first * 2 ** min(attempt, 16)))


def may_repeat(problem: ApiError, *, is_safe: bool) -> bool:
    """Whether the same request may come again; `is_safe`: done twice it counts once."""
    if problem.status == TOO_MANY:
        return True
    if problem.status == UNAVAILABLE:
        return problem.code not in OPERATORS
    if problem.status == CONFLICT:
        return problem.code == PENDING
    return is_safe and problem.status in GATEWAY


def read_retry_after(answer: httpx.Response) -> float | None:
    """Seconds, of a number or a date; None where there is none that can be read."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())
