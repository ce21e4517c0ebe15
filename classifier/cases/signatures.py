"""What a dermatologist signed lately: told after signing, and the way back to it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from classifier.models import Review

if TYPE_CHECKING:
    from classifier.models.review import ReviewQuerySet
    from portal.accounts.models import User

LAST = 10
MOST_AMENDED = 5
"""Signatures of one person on one case that the list still sees past."""


def list_own_signatures(user: User, count: int = LAST) -> list[Review]:
    """The newest signature of `user` on each of the last cases that they signed, newest first."""
    newest: dict[uuid.UUID, Review] = {}
    for review in _own(user).order_by("-signed_at")[: count * MOST_AMENDED]:
        newest.setdefault(review.submission_id, review)
    return list(newest.values())[:count]


def find_own_signature(user: User, key: str | None) -> Review | None:
    """The review of this id if `user` signed it and may still see the case, with what amends it by now."""
    try:
        wanted = uuid.UUID(key or "")
    except ValueError:
        return None
    return _own(user).filter(pk=wanted).select_related("amended_by__signed_by").first()


def describe_decision(diagnosis: str, management: str) -> str:
    """Both labels as part of a sentence: "melanocytic naevus, no further action"."""
    return f"{_lower(diagnosis)}, {_lower(management)}"


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


def _own(user: User) -> ReviewQuerySet:
    return (
        Review.objects.visible_to(user).filter(signed_by=user).select_related("submission__lesion__patient")
    )
