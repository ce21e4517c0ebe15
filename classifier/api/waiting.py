"""Long polling: `?wait=` answers when a case is finished, or when the caller's patience ends.

A waiting request holds a web thread but no transaction. Only some may wait at once; the others are
answered right away, as if they had not asked to wait.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from classifier.domain.errors import InvalidInputError
from classifier.domain.states import FINISHED, PredictionState
from classifier.engine.queue import position_in_queue
from classifier.models import Prediction

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


RETRY_AFTER_SECONDS = 2
RETRY_BUSY_SECONDS = 5


def read_progress(submission: Submission) -> dict[str, Any]:
    """Where a case stands, from its images' newest served predictions; ids and counts only.

    A picture that the model is not to judge is finished as it comes.
    """
    newest: dict[Any, Prediction] = {}
    rows = Prediction.objects.served().filter(image__submission=submission)
    for row in rows.in_queue_order():
        known = newest.get(row.image_id)
        if known is None or known.queued_at < row.queued_at:
            newest[row.image_id] = row
    waiting = [row for row in newest.values() if row.state == PredictionState.QUEUED]
    unfinished = [row for row in newest.values() if row.state not in FINISHED]
    images = submission.images.count()
    return {
        "id": submission.pk,
        "state": submission.state,
        "is_finished": not unfinished,
        "images": images,
        "images_finished": images - len(unfinished),
        "position_in_queue": position_in_queue(waiting[0]) if waiting else None,
    }
