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
