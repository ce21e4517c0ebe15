"""Blinded reading: what a dermatologist read before seeing the model's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.models import Reading

if TYPE_CHECKING:
    from classifier.models import Submission
    from portal.trust.accounts.models import User


def find_unseen_reading(*, reader: User, submission: Submission) -> str:
    """The diagnosis that `reader` gave before seeing the model's answer; empty if none."""
    found = Reading.objects.filter(submission=submission, reader=reader).values_list("diagnosis", flat=True)
    return found.first() or ""
