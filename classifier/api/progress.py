from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.models import Prediction
from classifier.services.queue import position_in_queue
from classifier.states import FINISHED, PredictionState

if TYPE_CHECKING:
    from classifier.models import Submission

RETRY_AFTER_SECONDS = 2
RETRY_BUSY_SECONDS = 5


def read_progress(submission: Submission) -> dict[str, Any]:
    """Where a case stands, from its images' newest served predictions; ids and counts only."""
    newest: dict[Any, Prediction] = {}
    rows = Prediction.objects.served().filter(image__submission=submission)
    for row in rows.in_queue_order():
        known = newest.get(row.image_id)
        if known is None or known.queued_at < row.queued_at:
            newest[row.image_id] = row
    waiting = [row for row in newest.values() if row.state == PredictionState.QUEUED]
    done = [row for row in newest.values() if row.state in FINISHED]
    return {
        "id": submission.pk,
        "state": submission.state,
        "is_finished": len(done) == len(newest),
        "images": len(newest),
        "images_finished": len(done),
        "position_in_queue": position_in_queue(waiting[0]) if waiting else None,
    }
