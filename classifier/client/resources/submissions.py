"""Submit a case, follow it and withdraw it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from classifier.client.addresses import API
from classifier.client.connection import ANSWER_SECONDS, Call, make_key
from classifier.client.errors import WaitTimeoutError
from classifier.client.records import Accepted, ReadingClaim, Status, Submission
from classifier.client.resources.base import Collection, given, id_of, parse, tag_of
from classifier.client.retrying import read_retry_after

LONGEST_WAIT = 30
HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image and the name that the case shows; what it is is told from its content."""

    name: str
    data: bytes = field(repr=False)
    capture_kind: str = "dermoscopic"
    """Or `clinical`, `overview`: the network judges dermoscopic pictures only."""
    dermoscopic_type: str = ""

    @classmethod
    def read(
        cls, path: Path | str, *, capture_kind: str = "dermoscopic", dermoscopic_type: str = ""
    ) -> ImageFile:
        return cls(
            name=Path(path).name,
            data=Path(path).read_bytes(),
            capture_kind=capture_kind,
            dermoscopic_type=dermoscopic_type,
        )


class Submissions(Collection[Submission]):
    kind, path = Submission, "submissions"

    def create(
        self,
        images: Sequence[ImageFile | Path | str],
        *,
        clinic: str | None = None,
        patient: str | None = None,
        patient_mrn: str | None = None,
        birth_date: dt.date | None = None,
        sex: str | None = None,
        skin_type: str | None = None,
        consents_to_inference: bool | None = None,
        lesion: str | None = None,
        body_site: str | None = None,
        laterality: str | None = None,
        note: str | None = None,
        clinical_question: str | None = None,
        clinical_history: str | None = None,
        priority: str | None = None,
        key: str | None = None,
    ) -> Accepted:
        """Submit images of one lesion: of a known `lesion`, of a known `patient` at `body_site`, or
        of the patient with the number `patient_mrn` at `body_site`.

        `consents_to_inference` is what a patient whom nobody asked before says of being judged by a
        model: without it dermoscopic images of such a patient are refused (consent_missing).

        `key` makes it safe to call again, also from another process, for 24 hours; without one a
        fresh key covers the attempts of this call.
        """
        form = given(
            clinic=clinic,
            patient=patient,
            patient_mrn=patient_mrn,
            birth_date=birth_date,
            sex=sex,
            skin_type=skin_type,
            consents_to_inference=consents_to_inference,
            lesion=lesion,
            body_site=body_site,
            laterality=laterality,
            note=note,
            clinical_question=clinical_question,
            clinical_history=clinical_history,
            priority=priority,
        )
        files = [one if isinstance(one, ImageFile) else ImageFile.read(one) for one in images]
        form["capture_kinds"] = [file.capture_kind for file in files]
        form["dermoscopic_types"] = [file.dermoscopic_type for file in files]
        call = Call(
            method="POST",
            path=f"{API}/submissions/",
            form=form,
            files=[("images", (file.name, file.data)) for file in files],
            key=key or make_key(),
        )
        return parse(Accepted, self._connection.send(call))

    def status(self, submission: Accepted | Submission | str, *, wait: int = 0) -> Status:
        """Where a case stands; with `wait` the server answers once it is finished, or after so many
        seconds (30 at most).
        """
        return self._ask(id_of(submission), wait)[0]

    def wait(
        self,
        submission: Accepted | Submission | str,
        *,
        patience: float = HOUR,
        on_status: Callable[[Status], object] | None = None,
    ) -> Submission:
        """The case with its results, once every image has one. Raise WaitTimeoutError."""
        row_id, until = id_of(submission), time.monotonic() + patience
        while True:
            left = until - time.monotonic()
            asked = max(0, min(LONGEST_WAIT, int(left)))
            began = time.monotonic()
            status, pause = self._ask(row_id, asked)
            if on_status is not None:
                on_status(status)
            if status.is_finished:
                return self.get(row_id)
            if until - time.monotonic() <= 0:
                raise WaitTimeoutError(row_id, patience)
            # Answered before its time: too many wait already. Or not asked to wait: a moment is left.
            if asked == 0 or time.monotonic() - began < asked:
                self._connection.sleep(min(pause, max(0.0, until - time.monotonic())))

    def cancel(
        self, submission: Submission | str, *, reason: str | None = None, if_match: str | None = None
    ) -> Submission:
        """Withdraw a case that nobody has signed; with a `reason` once there is a result. One that was
        read before is withdrawn as it was read, or not at all (412).
        """
        condition = tag_of(submission) if if_match is None else if_match
        path = f"submissions/{id_of(submission)}/cancel/"
        return self._post(Submission, path, given(reason=reason), if_match=condition)

    def acknowledge(
        self,
        submission: Submission | str,
        done: str,
        *,
        done_on: dt.date | None = None,
        note: str | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Submission:
        """Say what was done about the order that was signed of a case. One that was read before is
        acknowledged as it was read, or not at all (412).
        """
        condition = tag_of(submission) if if_match is None else if_match
        path = f"submissions/{id_of(submission)}/acknowledgements/"
        body = given(done=done, done_on=done_on, note=note)
        return self._post(Submission, path, body, key=key, if_match=condition)

    def claim(
        self, submission: Submission | str, *, takeover: bool = False, key: str | None = None
    ) -> ReadingClaim:
        """Say that you read the case now, for ten minutes; with `takeover` also where somebody else does."""
        path = f"submissions/{id_of(submission)}/claim/"
        return self._post(ReadingClaim, path, {"takeover": takeover}, key=key)

    def release(self, submission: Submission | str) -> None:
        """End your claim of the case."""
        self._delete(f"submissions/{id_of(submission)}/claim/")

    def take_back(self, submission: Submission) -> Submission:
        """Take the acknowledgement back that the case was read with: the order is open again."""
        order = submission.order
        if order is None or order.acknowledgement is None:
            raise ValueError("expected a case whose order is acknowledged, received one without")
        call = Call(
            method="DELETE",
            path=f"{API}/submissions/{submission.id}/acknowledgements/{order.acknowledgement.id}/",
            headers={"If-Match": submission.etag} if submission.etag else {},
        )
        return parse(Submission, self._connection.send(call))

    def _ask(self, row_id: str, wait: int) -> tuple[Status, float]:
        call = Call(
            method="GET",
            path=f"{API}/submissions/{row_id}/status/",
            params={"wait": wait} if wait else {},
            seconds=ANSWER_SECONDS + wait,
        )
        answer = self._connection.send(call)
        pause = read_retry_after(answer)
        return parse(Status, answer), self._connection.retries.first if pause is None else pause
