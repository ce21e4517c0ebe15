"""Send cases, some at a time, each once."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from classifier.client.batch.journal import Digest, Journal, JournalEntry
from classifier.client.batch.mapping import (
    ANSWERS,
    Case,
    PictureKind,
    find_submitted,
    is_recognisable,
    read_day,
)
from classifier.client.client import Client
from classifier.client.errors import ApiError
from classifier.client.resources import ImageFile

UNSPECIFIED = "unspecified"
OF_THE_CASE = frozenset({400, 404, 409, 413, 415, 422})
"""Refusals that are about one case; any other would meet every other case as well."""
KEY_SECONDS = 23 * 3600.0
"""How long a key surely holds: the server keeps it 24 hours."""


@dataclass(frozen=True)
class Sent:
    """What became of a case: `submitted`, `known` (sent before) or `refused`, for the reason `code`."""

    case: Case
    verdict: str
    submission: str = ""
    code: str = ""
    error: ApiError | None = None


def submit_cases(
    client: Client, cases: Iterable[Case], journal: Journal, *, parallel: int = 2, mrn_prefix: str = "FOLDER-"
) -> Iterator[Sent]:
    """Send what the journal doesn't know yet; stop at any moment and call it again.

    A case without lesion, patient and record number belongs to a patient of its own, named by
    `mrn_prefix` and the first twelve digits of its first file's SHA-256. Raises ApiError and
    LostConnectionError where there is no use in going on.
    """
    sender = _Sender(client, journal, mrn_prefix)
    waiting: deque[Future[Sent]] = deque()
    rest = iter(cases)
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="dermaport-client")
    try:
        while True:
            # A few more than are sent at once: file after file, never a whole folder in memory.
            for case in islice(rest, 2 * parallel - len(waiting)):
                waiting.append(pool.submit(sender.send, case))
            if not waiting:
                return
            yield waiting.popleft().result()
    except KeyboardInterrupt:
        # Those that pause need not wait to the end of it.
        client.connection.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Sender:
    def __init__(self, client: Client, journal: Journal, mrn_prefix: str) -> None:
        self._client, self._journal, self._mrn_prefix = client, journal, mrn_prefix
        self._taken: dict[Digest, Case] = {}
        self._lock = Lock()

    def send(self, case: Case) -> Sent:
        try:
            images = [read_image(file, case) for file in case.files]
        except OSError:
            return Sent(case, "refused", code="file_unreadable")
        digest = tuple(hashlib.sha256(image.data).hexdigest() for image in images)
        with self._lock:
            first = self._taken.setdefault(digest, case)
        if first is not case:
            # The same picture for two lesions is a slip in the mapping.
            is_same = (first.facts, _list_kinds(first)) == (case.facts, _list_kinds(case))
            return Sent(case, "known") if is_same else Sent(case, "refused", code="same_file")
        entry = self._journal.find(digest)
        if entry is not None and entry.submission:
            return Sent(case, "known", entry.submission)
        if entry is not None and self._journal.clock() - entry.begun_at > KEY_SECONDS:
            return self._settle(case, images, digest, entry) or self._submit(
                case, images, digest, self._journal.begin(digest)
            )
        return self._submit(case, images, digest, entry or self._journal.begin(digest))

    def _submit(self, case: Case, images: list[ImageFile], digest: Digest, entry: JournalEntry) -> Sent:
        try:
            accepted = self._client.submissions.create(images, **self._describe(case, digest), key=entry.key)
        except ApiError as error:
            if error.code == "idempotency_key_reused" and (
                settled := self._settle(case, images, digest, entry)
            ):
                return settled
            is_own = error.status in OF_THE_CASE and error.code != "request_in_progress"
            if not (is_own or error.code == "permission_denied"):
                raise
            self._journal.give_up(entry, error.code)
            return Sent(case, "refused", code=error.code, error=error)
        self._journal.finish(entry, accepted.id)
        return Sent(case, "submitted", accepted.id)

    def _settle(
        self, case: Case, images: list[ImageFile], digest: Digest, entry: JournalEntry
    ) -> Sent | None:
        """What became of a case whose answer never came and whose key doesn't tell any more: None where
        the portal has not got it.
        """
        if not all(is_recognisable(image.data) for image in images):
            return Sent(case, "refused", code="in_doubt")
        found = find_submitted(self._client, digest, entry.begun_at)
        if found is None:
            return None
        self._journal.finish(entry, found)
        return Sent(case, "known", found)

    def _describe(self, case: Case, digest: Digest) -> dict[str, Any]:
        facts: dict[str, Any] = dict(case.facts)
        mrn = facts.pop("mrn", "")
        if not (mrn or "patient" in facts or "lesion" in facts):
            mrn = f"{self._mrn_prefix}{digest[0][:12]}"
        if mrn:
            facts["patient_mrn"] = mrn
        if "birth_date" in facts:
            facts["birth_date"] = read_day(facts["birth_date"])
        if "consents_to_inference" in facts:
            facts["consents_to_inference"] = ANSWERS[facts["consents_to_inference"]]
        return facts if "lesion" in facts else {"body_site": UNSPECIFIED, **facts}


def _list_kinds(case: Case) -> list[PictureKind]:
    return [case.kind_of(file) for file in case.files]


def read_image(file: Path, case: Case) -> ImageFile:
    kind = case.kind_of(file)
    return ImageFile.read(file, capture_kind=kind.capture_kind, dermoscopic_type=kind.dermoscopic_type)
