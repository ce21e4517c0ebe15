"""Reading claims: who has a case open to read it, so that two never read one case without knowing.

Opening a case for reading claims it for ten minutes, and the open page renews the claim. It ends by
leaving the page, by *Release*, by signing, or by time; anyone may take it over, knowingly. A claim keeps
nobody from signing: that a case is signed once is the rule of `classifier.cases.reviews`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError
from classifier.models import ReadingClaim
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from classifier.models import Submission
    from portal.trust.accounts.models import User

CLAIM = dt.timedelta(minutes=10)
TRIES = 3
"""Of two that meet, one sees the other's claim at the next look."""


class ClaimedError(ConflictError):
    """Somebody else is reading the case; `claim` says who and until when."""

    def __init__(self, claim: ReadingClaim) -> None:
        super().__init__("claimed_by_other", f"{describe_claim(claim)}. Take it over, or read another case.")
        self.claim = claim


def claim_case(*, actor: User, submission: Submission, takeover: bool = False) -> ReadingClaim:
    """Claim a case for `actor` until ten minutes from now, or renew the claim that they have.

    takeover: also where somebody else is reading it; that leaves the event "submission.claim_taken_over".
    Raises PermissionDenied; ConflictError (claimed_by_other), as ClaimedError.
    """
    require(actor, submission.clinic_id, Action.REVIEW)
    for _ in range(TRIES):
        with transaction.atomic():
            if _take(actor, submission, takeover=takeover):
                return ReadingClaim.objects.select_related("reader").get(submission=submission)
        if (claim := find_claim(submission)) and claim.reader_id != actor.pk and not takeover:
            raise ClaimedError(claim)
    raise ConflictError("claimed_by_other", "Others are opening this case at this moment. Try again.")


def _take(actor: User, submission: Submission, *, takeover: bool) -> bool:
    """Compare and set: each step changes the row only as it was found, so of many at once one wins."""
    now = timezone.now()
    rows = ReadingClaim.objects.filter(submission=submission)
    values = {"reader": actor, "claimed_at": now, "until": now + CLAIM}
    if rows.filter(reader=actor).update(**values) or rows.filter(until__lte=now).update(**values):
        return True
    former = rows.first()
    if former is None:
        ReadingClaim.objects.bulk_create(
            [ReadingClaim(submission=submission, **values)], ignore_conflicts=True
        )
        return rows.filter(reader=actor, claimed_at=now).exists()
    if not takeover or not rows.filter(reader=former.reader_id, claimed_at=former.claimed_at).update(
        **values
    ):
        return False
    record_event(
        clinic_id=submission.clinic_id,
        action="submission.claim_taken_over",
        actor=actor,
        obj=submission,
        details={"from": str(former.reader_id)},
    )
    return True


def renew_claim(*, actor: User, submission: Submission) -> bool:
    """Give a claim that `actor` still holds ten minutes more; False where it is not theirs any more."""
    mine = ReadingClaim.objects.filter(submission=submission, reader=actor)
    return bool(mine.update(until=timezone.now() + CLAIM))


def release_claim(*, actor: User, submission: Submission, claimed_at: dt.datetime | None = None) -> bool:
    """End the claim of `actor`; False where they have none.

    claimed_at: only the claim of that moment. A page that is left says which was its own: by the time
    it is heard, the same reader may have opened the case anew.
    """
    mine = ReadingClaim.objects.filter(submission=submission, reader=actor)
    if claimed_at is not None:
        mine = mine.filter(claimed_at=claimed_at)
    return bool(mine.delete()[0])


def end_claims(*submissions: Submission) -> None:
    """Whoever reads them: they are signed, or need no reader any more. Call it in that transaction."""
    ReadingClaim.objects.filter(submission__in=submissions).delete()


def find_claim(submission: Submission) -> ReadingClaim | None:
    """Who has the case open to read at this moment; None for nobody."""
    return find_claims([submission.pk]).get(submission.pk)


def find_claims(submission_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, ReadingClaim]:
    """The same of many cases, by the id of the case."""
    rows = ReadingClaim.objects.filter(submission__in=list(submission_ids), until__gt=timezone.now())
    return {claim.submission_id: claim for claim in rows.select_related("reader")}


def find_other_reader(submission: Submission, user: User) -> ReadingClaim | None:
    """Who but `user` has the case open to read."""
    claim = find_claim(submission)
    return claim if claim and claim.reader_id != user.pk else None


def describe_claim(claim: ReadingClaim) -> str:
    """Words such as "Ines Okafor is reading this case, until 14:12"."""
    return f"{claim.reader.get_full_name()} is reading this case, until {format_time(claim.until)}"


def format_time(moment: dt.datetime) -> str:
    """Hour and minute in the portal's time zone: "14:12"."""
    return timezone.localtime(moment).strftime("%H:%M")
