"""What a dermatologist read before seeing the model's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.models import Reading
from portal.accounts.roles import Role

if TYPE_CHECKING:
    from classifier.models import Submission
    from portal.accounts.models import User


def find_unseen_reading(*, reader: User, submission: Submission) -> str:
    """The diagnosis that `reader` gave before seeing the model's answer; empty if none."""
    found = Reading.objects.filter(submission=submission, reader=reader).values_list("diagnosis", flat=True)
    return found.first() or ""


def must_read_first(*, reader: User, submission: Submission, role: str) -> bool:
    """Whether nothing of the model's answer may be shown to `reader`, whose role here is `role`.

    So for a dermatologist of a clinic that hides it, until they said what they see or a review
    is signed.
    """
    return (
        role == Role.DERMATOLOGIST
        and submission.clinic.hide_result_until_read
        and not submission.reviews.exists()
        and not find_unseen_reading(reader=reader, submission=submission)
    )
