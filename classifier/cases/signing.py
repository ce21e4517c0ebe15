"""Checks before a signature: pictures not seen, and a "benign" that others contradict."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from classifier.domain.errors import InvalidInputError
from classifier.domain.states import Headline, PredictionState
from classifier.domain.vocabulary import (
    DIAGNOSIS_GROUPS,
    TOO_CLOSE,
    UNLIKE_TRAINING,
    LesionGroup,
    Management,
    ModelAnswer,
    Standing,
    StandingBasis,
)
from classifier.labels.answers import REFERRALS
from classifier.labels.probability import format_score
from classifier.labels.standing import label_standing, lower_first
from classifier.models import Review
from classifier.standing.summary import find_served

if TYPE_CHECKING:
    from collections.abc import Collection

    from classifier.models import Submission
    from classifier.models.review import ReviewQuerySet
    from portal.trust.accounts.models import User


def check_seen(submission: Submission, seen: Collection[Any] | None, *, reason: str) -> str:
    """Refuse a signature under pictures that were not shown; return the reason to keep, "" if all were.

    seen: ids of the pictures that were on the screen; None where nothing attests it (a program signs
    for a person who read elsewhere). reason: why one could not be shown.
    Raises InvalidInputError (pictures_unseen).
    """
    reason = reason.strip()
    if seen is None:
        return reason
    known = {str(pk) for pk in seen}
    missing = [
        position
        for pk, position in submission.images.order_by("position").values_list("pk", "position")
        if str(pk) not in known
    ]
    if not missing:
        return ""
    if reason:
        return reason
    named = name_images(missing)
    raise InvalidInputError(
        "pictures_unseen",
        f"You have not seen {named} yet. Look first; if it can't be loaded, say why you sign without it."
        if len(missing) == 1
        else f"You have not seen {named} yet. Look first; if they can't be loaded, say why you sign without them.",
        field="unseen_reason",
    )


def name_images(positions: list[int]) -> str:
    """Words such as "image 2", "images 1 and 2" or "images 1, 2 and 3"."""
    words = [str(position) for position in positions]
    if len(words) == 1:
        return f"image {words[0]}"
    return f"images {', '.join(words[:-1])} and {words[-1]}"


def find_contradictions(submission: Submission, *, diagnosis: str, management: str) -> list[str]:
    """What speaks against signing this: sentences to show before it is signed; none for most decisions.

    Only "benign, no further action" is asked about: it ends the matter. Against it stand a malignant
    answer of the model, a unanimous "refer" of it, and a malignant standing on anybody's word.
    """
    if DIAGNOSIS_GROUPS[diagnosis] != LesionGroup.BENIGN or management != Management.NO_ACTION:
        return []
    against = []
    if submission.model_answer == Headline.MALIGNANT:
        against.append(f"The model said malignant{_format_figure(submission)}.")
    elif submission.model_answer == Headline.REFER and (code := _find_common_referral(submission)):
        against.append(f"The model said refer{_format_figure(submission)}. {REFERRALS[code]}")
    if submission.standing == Standing.MALIGNANT and submission.standing_basis != StandingBasis.MODEL:
        who = "pathologist" if submission.standing_basis == StandingBasis.HISTOPATHOLOGY else "signed review"
        against.append(f"The {who} says {lower_first(label_standing(submission).word)}.")
    return against


def _format_figure(submission: Submission) -> str:
    figure = submission.model_probability
    return "" if figure is None else f", score {format_score(figure)}"


def _find_common_referral(submission: Submission) -> str:
    """Why the model referred every dermoscopic picture that it judged; empty where it answered one of them."""
    images = submission.images.for_the_model().prefetch_related("predictions")
    served = [found for image in images if (found := find_served(image))]
    judged = [one for one in served if one.state == PredictionState.SUCCEEDED and not one.is_refused]
    if {one.outcome for one in judged} != {ModelAnswer.REFER}:
        return ""
    return UNLIKE_TRAINING if all(one.is_far for one in judged) else TOO_CLOSE


# --- Lately signed ------------------------------------------------------------------------------
# Told after signing, with the way back to it.

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
    return f"{lower_first(diagnosis)}, {lower_first(management)}"


def _own(user: User) -> ReviewQuerySet:
    return (
        Review.objects.visible_to(user).filter(signed_by=user).select_related("submission__lesion__patient")
    )
