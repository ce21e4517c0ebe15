"""Sign and amend reviews; record and correct histopathology."""

from __future__ import annotations

import datetime as dt
from typing import NotRequired, TypedDict, Unpack

from classifier.client.records import Lesion, Outcome, Review, ReviewReference, Submission
from classifier.client.resources.base import Collection, given, id_of, tag_of


class Decision(TypedDict):
    """What a review says; codes as the schema lists them."""

    diagnosis: str
    management: str
    agreement: NotRequired[str | None]
    """Deprecated: it follows from the diagnosis, and what is sent isn't used."""
    comment: NotRequired[str | None]
    unseen_reason: NotRequired[str | None]


class Finding(TypedDict):
    """What histopathology says; codes as the schema lists them, the thickness in millimetres."""

    diagnosis: str
    procedure: str
    specimen_taken_on: dt.date
    reported_on: dt.date
    breslow_mm: NotRequired[float | None]
    comment: NotRequired[str | None]


class Reviews(Collection[Review]):
    kind, path = Review, "reviews"

    def sign(
        self,
        submission: Submission | str,
        *,
        if_match: str | None = None,
        key: str | None = None,
        **decision: Unpack[Decision],
    ) -> Review:
        """Sign the first review of a case. One that was read before is signed as it was read, or not
        at all (412).
        """
        body = given(submission=id_of(submission), **decision)
        condition = tag_of(submission) if if_match is None else if_match
        return self._post(Review, "reviews/", body, key=key, if_match=condition)

    def amend(
        self,
        review: Review | ReviewReference | str,
        *,
        reason: str,
        key: str | None = None,
        **decision: Unpack[Decision],
    ) -> Review:
        """Sign another decision in its place: the newest review of a case alone can be amended."""
        body = given(amendment_reason=reason, **decision)
        path = f"reviews/{id_of(review)}/amend/"
        return self._post(Review, path, body, key=key, if_match=tag_of(review))


class Outcomes(Collection[Outcome]):
    kind, path = Outcome, "outcomes"

    def record(self, lesion: Lesion | str, *, key: str | None = None, **finding: Unpack[Finding]) -> Outcome:
        """Record what was found of a lesion."""
        return self._post(Outcome, "outcomes/", given(lesion=id_of(lesion), **finding), key=key)

    def correct(
        self, outcome: Outcome | str, *, reason: str, key: str | None = None, **finding: Unpack[Finding]
    ) -> Outcome:
        """Record another finding in its place: the newest outcome alone can be corrected."""
        body = given(correction_reason=reason, **finding)
        path = f"outcomes/{id_of(outcome)}/correct/"
        return self._post(Outcome, path, body, key=key, if_match=tag_of(outcome))
