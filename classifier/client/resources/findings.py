"""Sign and amend reviews; record and correct histopathology."""

from __future__ import annotations

import datetime as dt

from classifier.client.records import Lesion, Outcome, Review, ReviewReference, Submission
from classifier.client.resources.base import Collection, given, id_of, tag_of


class Reviews(Collection[Review]):
    kind, path = Review, "reviews"

    def sign(
        self,
        submission: Submission | str,
        *,
        diagnosis: str,
        management: str,
        agreement: str | None = None,
        comment: str | None = None,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Review:
        """Sign the first review of a case. One that was read before is signed as it was read, or not
        at all (412).
        """
        body = given(
            submission=id_of(submission),
            diagnosis=diagnosis,
            management=management,
            agreement=agreement,
            comment=comment,
        )
        condition = tag_of(submission) if if_match is None else if_match
        return self._post(Review, "reviews/", body, key=key, if_match=condition)

    def amend(
        self,
        review: Review | ReviewReference | str,
        *,
        reason: str,
        diagnosis: str,
        management: str,
        agreement: str | None = None,
        comment: str | None = None,
        key: str | None = None,
    ) -> Review:
        body = given(
            amendment_reason=reason,
            diagnosis=diagnosis,
            management=management,
            agreement=agreement,
            comment=comment,
        )
        path = f"reviews/{id_of(review)}/amend/"
        return self._post(Review, path, body, key=key, if_match=tag_of(review))


class Outcomes(Collection[Outcome]):
    kind, path = Outcome, "outcomes"

    def record(
        self,
        lesion: Lesion | str,
        *,
        diagnosis: str,
        procedure: str,
        specimen_taken_on: dt.date,
        reported_on: dt.date,
        breslow_mm: float | None = None,
        comment: str | None = None,
        key: str | None = None,
    ) -> Outcome:
        body = given(
            lesion=id_of(lesion),
            diagnosis=diagnosis,
            procedure=procedure,
            specimen_taken_on=specimen_taken_on.isoformat(),
            reported_on=reported_on.isoformat(),
            breslow_mm=breslow_mm,
            comment=comment,
        )
        return self._post(Outcome, "outcomes/", body, key=key)

    def correct(
        self,
        outcome: Outcome | str,
        *,
        reason: str,
        diagnosis: str,
        procedure: str,
        specimen_taken_on: dt.date,
        reported_on: dt.date,
        breslow_mm: float | None = None,
        comment: str | None = None,
        key: str | None = None,
    ) -> Outcome:
        body = given(
            correction_reason=reason,
            diagnosis=diagnosis,
            procedure=procedure,
            specimen_taken_on=specimen_taken_on.isoformat(),
            reported_on=reported_on.isoformat(),
            breslow_mm=breslow_mm,
            comment=comment,
        )
        path = f"outcomes/{id_of(outcome)}/correct/"
        return self._post(Outcome, path, body, key=key, if_match=tag_of(outcome))
