"""Rate limits: how much one caller or one clinic may ask of the site at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

from classifier.domain.errors import LimitError
from classifier.models import Prediction, RequestCount

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

MINUTE_SECONDS = 60

# One statement counts and reads: of many processes none is missed, and none waits for a transaction.
COUNT = """
INSERT INTO classifier_requestcount (key, minute, calls) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    calls = CASE
        WHEN classifier_requestcount.minute = excluded.minute THEN classifier_requestcount.calls + 1
        ELSE 1
    END,
    minute = excluded.minute
RETURNING key, calls
"""


def count_call(*, keys: Iterable[str]) -> dict[str, int]:
    """Count a call against each key; return the calls of each in this minute, this one included."""
    # Always in one order: two callers can't wait for each other.
    ordered = sorted(set(keys))
    minute = int(time.time()) // MINUTE_SECONDS
    values = [value for key in ordered for value in (key, minute)]
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(rows=", ".join(["(%s, %s, 1)"] * len(ordered))), values)
        return {str(key): int(calls) for key, calls in cursor.fetchall()}


def forget_calls() -> int:
    """Remove the counts of tokens and clinics that have been quiet for an hour."""
    hour_ago = int(time.time()) // MINUTE_SECONDS - 60
    return RequestCount.objects.filter(minute__lt=hour_ago).delete()[0]


def check_active_predictions(*, clinic_id: uuid.UUID, more: int) -> None:
    """Raise LimitError (too_many_active) where `more` images would be too much work at once."""
    most = settings.DERMAPORT_API_ACTIVE_PREDICTIONS
    active = Prediction.objects.served().unfinished().filter(image__clinic_id=clinic_id).count()
    if active + more > most:
        raise LimitError(
            "too_many_active",
            f"{active} images of your clinic wait or are being judged and you sent {more}; at most {most} "
            "can be at work. Send them again later.",
        )
