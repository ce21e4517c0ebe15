"""`?wait=`: answer when it is finished, or when the caller's patience ends.

A waiting request holds a web thread but no transaction. Only some may wait at once; the others are
answered right away, as if they had not asked to wait.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from classifier.models import Prediction
from classifier.services.errors import InvalidInputError

if TYPE_CHECKING:
    from rest_framework.request import Request

    from classifier.models import Submission

PARAMETER = "wait"
LONGEST_SECONDS = 30
PAUSE_SECONDS = 0.5


@lru_cache
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


def read_wait(request: Request) -> int:
    asked = request.query_params.get(PARAMETER, "0")
    if asked.isascii() and asked.isdigit() and len(asked) <= 2 and int(asked) <= LONGEST_SECONDS:  # noqa: PLR2004
        return int(asked)
    raise InvalidInputError(
        "wait_out_of_range", f"wait can be 0 to {LONGEST_SECONDS} seconds.", field=PARAMETER
    )


def wait_until_finished(submission: Submission, seconds: int) -> bool:
    """Wait up to `seconds`; False where too many wait already."""
    if not seconds or _is_finished(submission):
        return True
    slots = _slots(settings.DERMAPORT_API_WAITING)
    if not slots.acquire(blocking=False):
        return False
    try:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not _is_finished(submission):
            time.sleep(min(PAUSE_SECONDS, left))
    finally:
        slots.release()
    return True


def _is_finished(submission: Submission) -> bool:
    return not Prediction.objects.served().unfinished().filter(image__submission=submission).exists()
