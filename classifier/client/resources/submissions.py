"""Submit a case, follow it and withdraw it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NotRequired, TypedDict, Unpack

from classifier.client.connection import ANSWER_SECONDS, Call, make_key
from classifier.client.credentials import API
from classifier.client.errors import WaitTimeoutError, read_retry_after
from classifier.client.records import (
    Accepted,
    Image,
    LesionRecord,
    OutcomeRecord,
    OutlineRecord,
    ReadingClaimRecord,
    ReviewRecord,
    ReviewReference,
    StatusRecord,
    SubmissionRecord,
)
from classifier.client.resources.base import (
    ANY,
    Collection,
    Resource,
    given,
    id_of,
    parse,
    parse_object,
    tag_of,
)

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


class Submissions(Collection[SubmissionRecord]):
    kind, path = SubmissionRecord, "submissions"

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

        What is told of a known patient or lesion is kept where nobody knew it, and refused where theirs is
        another (such as birth_date_mismatch, body_site_mismatch).

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

    def status(self, submission: Accepted | SubmissionRecord | str, *, wait: int = 0) -> StatusRecord:
        """Where a case stands; with `wait` the server answers once it is finished, or after so many
        seconds (30 at most).
        """
        return self._ask(id_of(submission), wait)[0]

    def wait(
        self,
        submission: Accepted | SubmissionRecord | str,
        *,
        patience: float = HOUR,
        on_status: Callable[[StatusRecord], object] | None = None,
    ) -> SubmissionRecord:
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
        self, submission: SubmissionRecord | str, *, reason: str | None = None, if_match: str | None = None
    ) -> SubmissionRecord:
        """Withdraw a case that nobody has signed; with a `reason` once there is a result. One that was
        read before is withdrawn as it was read, or not at all (412).
        """
        condition = tag_of(submission) if if_match is None else if_match
        path = f"submissions/{id_of(submission)}/cancel/"
        return self._post(SubmissionRecord, path, given(reason=reason), if_match=condition)

    def acknowledge(
        self,
        submission: SubmissionRecord | str,
        done: str,
        *,
        done_on: dt.date | None = None,
        note: str | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> SubmissionRecord:
        """Say what was done about the order that was signed of a case. One that was read before is
        acknowledged as it was read, or not at all (412).
        """
        condition = tag_of(submission) if if_match is None else if_match
        path = f"submissions/{id_of(submission)}/acknowledgements/"
        body = given(done=done, done_on=done_on, note=note)
        return self._post(SubmissionRecord, path, body, key=key, if_match=condition)

    def claim(
        self, submission: SubmissionRecord | str, *, takeover: bool = False, key: str | None = None
    ) -> ReadingClaimRecord:
        """Say that you read the case now, for ten minutes; with `takeover` also where somebody else does."""
        path = f"submissions/{id_of(submission)}/claim/"
        return self._post(ReadingClaimRecord, path, {"takeover": takeover}, key=key)

    def release(self, submission: SubmissionRecord | str) -> None:
        """End your claim of the case."""
        self._delete(f"submissions/{id_of(submission)}/claim/")

    def take_back(self, submission: SubmissionRecord) -> SubmissionRecord:
        """Take the acknowledgement back that the case was read with: the order is open again."""
        order = submission.order
        if order is None or order.acknowledgement is None:
            raise ValueError("expected a case whose order is acknowledged, received one without")
        call = Call(
            method="DELETE",
            path=f"{API}/submissions/{submission.id}/acknowledgements/{order.acknowledgement.id}/",
            headers={"If-Match": submission.etag} if submission.etag else {},
        )
        return parse(SubmissionRecord, self._connection.send(call))

    def _ask(self, row_id: str, wait: int) -> tuple[StatusRecord, float]:
        call = Call(
            method="GET",
            path=f"{API}/submissions/{row_id}/status/",
            params={"wait": wait} if wait else {},
            seconds=ANSWER_SECONDS + wait,
        )
        answer = self._connection.send(call)
        pause = read_retry_after(answer)
        return parse(StatusRecord, answer), self._connection.retries.first if pause is None else pause


# --- Reviews and histopathology -----------------------------------------------------------------


class DecisionFields(TypedDict):
    """What a review says; codes as the schema lists them."""

    diagnosis: str
    management: str
    agreement: NotRequired[str | None]
    """Deprecated: it follows from the diagnosis, and what is sent isn't used."""
    comment: NotRequired[str | None]
    unseen_reason: NotRequired[str | None]


class FindingFields(TypedDict):
    """What histopathology says; codes as the schema lists them, the thickness in millimetres."""

    diagnosis: str
    procedure: str
    specimen_taken_on: dt.date
    reported_on: dt.date
    breslow_mm: NotRequired[float | None]
    comment: NotRequired[str | None]


class Reviews(Collection[ReviewRecord]):
    kind, path = ReviewRecord, "reviews"

    def sign(
        self,
        submission: SubmissionRecord | str,
        *,
        if_match: str | None = None,
        key: str | None = None,
        **decision: Unpack[DecisionFields],
    ) -> ReviewRecord:
        """Sign the first review of a case. One that was read before is signed as it was read, or not
        at all (412).
        """
        body = given(submission=id_of(submission), **decision)
        condition = tag_of(submission) if if_match is None else if_match
        return self._post(ReviewRecord, "reviews/", body, key=key, if_match=condition)

    def amend(
        self,
        review: ReviewRecord | ReviewReference | str,
        *,
        reason: str,
        key: str | None = None,
        **decision: Unpack[DecisionFields],
    ) -> ReviewRecord:
        """Sign another decision in its place: the newest review of a case alone can be amended."""
        body = given(amendment_reason=reason, **decision)
        path = f"reviews/{id_of(review)}/amend/"
        return self._post(ReviewRecord, path, body, key=key, if_match=tag_of(review))


class Outcomes(Collection[OutcomeRecord]):
    kind, path = OutcomeRecord, "outcomes"

    def record(
        self, lesion: LesionRecord | str, *, key: str | None = None, **finding: Unpack[FindingFields]
    ) -> OutcomeRecord:
        """Record what was found of a lesion."""
        return self._post(OutcomeRecord, "outcomes/", given(lesion=id_of(lesion), **finding), key=key)

    def correct(
        self,
        outcome: OutcomeRecord | str,
        *,
        reason: str,
        key: str | None = None,
        **finding: Unpack[FindingFields],
    ) -> OutcomeRecord:
        """Record another finding in its place: the newest outcome alone can be corrected."""
        body = given(correction_reason=reason, **finding)
        path = f"outcomes/{id_of(outcome)}/correct/"
        return self._post(OutcomeRecord, path, body, key=key, if_match=tag_of(outcome))


# --- Files --------------------------------------------------------------------------------------
# Pictures, DICOM files and reports: what is not JSON.


FHIR = "/fhir/r4"
FHIR_JSON = "application/fhir+json"


class Images(Resource):
    def derivative(self, image: Image | str) -> bytes:
        """The JPEG that the pages show, rebuilt from pixels."""
        call = Call(method="GET", path=f"{API}/images/{id_of(image)}/derivative/", headers=ANY)
        return self._connection.send(call).content

    def dicom(self, image: Image | str, *, patient: str = "pseudonymous") -> bytes:
        """A DICOM file under the pseudonym, or with `patient="identified"` under the record number."""
        call = Call(
            method="GET",
            path=f"{API}/images/{id_of(image)}/dicom/",
            params={"patient": patient},
            headers=ANY,
        )
        return self._connection.send(call).content

    def request_outline(self, image: Image | str, *, key: str | None = None) -> OutlineRecord:
        """Ask for the lesion's outline; what is done or in work already is returned."""
        return self._post(OutlineRecord, f"images/{id_of(image)}/outline/", key=key)

    def outline(self, image: Image | str) -> OutlineRecord:
        """The lesion's outline and measures, or how far it is; 404 where nobody has asked."""
        return self._read(OutlineRecord, f"images/{id_of(image)}/outline/")


class Reports(Resource):
    def pdf(self, submission: SubmissionRecord | str) -> bytes:
        """The case's report for the patient's record; every page says how far it was signed."""
        call = Call(method="GET", path=f"{API}/submissions/{id_of(submission)}/report/", headers=ANY)
        return self._connection.send(call).content

    def read(self, submission: SubmissionRecord | str) -> Mapping[str, Any]:
        """The case's FHIR DiagnosticReport: `preliminary`, `final`, `amended` and so on."""
        path = f"{FHIR}/DiagnosticReport/{id_of(submission)}"
        call = Call(method="GET", path=path, headers={"Accept": FHIR_JSON})
        return parse_object(self._connection.send(call))
