"""What a dermatologist read before seeing the model's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.audit.models import AuditEvent

if TYPE_CHECKING:
    from classifier.models import Submission
    from portal.accounts.models import User

READ_UNSEEN = "submission.read_unseen"


def find_unseen_reading(*, reader: User, submission: Submission) -> str:
    """The diagnosis that `reader` recorded before seeing the model's answer; empty if none."""
    event = (
        AuditEvent.objects.filter(
            object_type="classifier.submission",
            object_id=str(submission.pk),
            action=READ_UNSEEN,
            actor=reader,
        )
        .order_by("occurred_at", "position")
        .first()
    )
    return str(event.details.get("diagnosis", "")) if event else ""
