"""Idempotency: keep the first answer of a request that its caller gave a key, and give it again."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, ContradictionError
from classifier.models import IdempotentRequest
from portal.trust.accounts.models import Clinic
from portal.trust.audit.services import record_event
from portal.trust.encryption.keys import DecryptionError
from portal.trust.encryption.rotation import resealer
from portal.trust.encryption.sealed import digest, reseal_columns, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.trust.accounts.models import User

KEPT = dt.timedelta(hours=24)
CLAIM = dt.timedelta(seconds=30)
"""After this long without an answer the process that worked on it is taken for dead."""
SEALED_FOR = "idempotent answer"
KEYED_FOR = "idempotency key"
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    location: str
    body: bytes = field(repr=False)


def claim_request(*, caller: User, key: str, fingerprint: str) -> IdempotentRequest:
    """The row of this key: new, taken over from a dead process, or answered already.

    Raises ContradictionError (idempotency_key_reused) where the key came with another body, and
    ConflictError (request_in_progress) while the first request runs.
    """
    now = timezone.now()
    key_digest = digest(key.encode(), purpose=KEYED_FOR)
    IdempotentRequest.objects.filter(
        caller=caller, key_digest=key_digest, created_at__lte=now - KEPT
    ).delete()
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(
                caller=caller, key_digest=key_digest, fingerprint=fingerprint, created_at=now, claimed_at=now
            )
    except IntegrityError:
        known = IdempotentRequest.objects.filter(caller=caller, key_digest=key_digest).first()
    if known is None:
        raise _still_running()
    if known.fingerprint != fingerprint:
        raise ContradictionError(
            "idempotency_key_reused",
            "This Idempotency-Key came with another request before. Take a new key for a new request.",
            field="Idempotency-Key",
        )
    return known if known.status is not None else _take_over(known, now)


def _take_over(known: IdempotentRequest, now: dt.datetime) -> IdempotentRequest:
    mine = uuid.uuid4()
    taken = IdempotentRequest.objects.filter(
        pk=known.pk, claim=known.claim, status__isnull=True, claimed_at__lte=now - CLAIM
    ).update(claim=mine, claimed_at=now)
    if not taken:
        raise _still_running()
    known.claim, known.claimed_at = mine, now
    return known


def keep_answer(*, request: IdempotentRequest, answer: KeptAnswer, clinic_id: uuid.UUID | None) -> None:
    """Store what the first request is answered, in the transaction of what it did where there is one.

    Raises ConflictError (request_in_progress) when the repetition of this request took it over
    meanwhile: what this one did must be undone.
    """
    kept = IdempotentRequest.objects.filter(pk=request.pk, claim=request.claim, status__isnull=True).update(
        status=answer.status,
        location=answer.location,
        sealed_answer=seal(answer.body, purpose=SEALED_FOR),
        clinic_id=clinic_id,
    )
    if not kept:
        raise _still_running()


def read_answer(*, actor: User, request: IdempotentRequest) -> KeptAnswer | None:
    """The first answer, for its caller, as long as they belong to its clinic and its patient is not erased.

    None otherwise.

    Raises ConflictError (answer_lost) when the keys that sealed it are gone.
    """
    clinic_id = request.clinic_id
    if clinic_id is not None:
        if not Clinic.objects.visible_to(actor).filter(pk=clinic_id).exists():
            return None
        record_event(
            clinic_id=clinic_id,
            action="answer.repeated",
            actor=actor,
            obj=request,
            details=_name_made(request),
        )
    try:
        body = unseal(request.sealed_answer, purpose=SEALED_FOR)
    except DecryptionError as error:
        raise ConflictError(
            "answer_lost",
            "This request was done, but its answer can't be read any more. Read what it made.",
        ) from error
    if not body:
        # Erased with its patient.
        return None
    assert request.status is not None, "only an answered request has an answer"
    return KeptAnswer(request.status, request.location, body)


def _name_made(request: IdempotentRequest) -> dict[str, str]:
    """Id of what the request made, from its address: the request itself is forgotten in a day."""
    found = ID.search(request.location)
    return {"object": found[0]} if found else {}


def forget_answers(*, clinic_id: uuid.UUID, about: Iterable[uuid.UUID]) -> None:
    """Empty the kept answers that made rows with these ids: their patient is erased."""
    ids = {str(key) for key in about}
    kept = IdempotentRequest.objects.filter(clinic_id=clinic_id).exclude(location="").only("pk", "location")
    keys = [row.pk for row in kept if ids.intersection(row.location.split("/"))]
    IdempotentRequest.objects.filter(pk__in=keys).update(sealed_answer=seal(b"", purpose=SEALED_FOR))


def release_request(*, request: IdempotentRequest, is_undone: bool) -> None:
    """Let the key be used again after an error: with any body where nothing was done."""
    mine = IdempotentRequest.objects.filter(pk=request.pk, claim=request.claim, status__isnull=True)
    if is_undone:
        mine.delete()
    else:
        mine.update(claimed_at=request.created_at - CLAIM)


def forget_requests() -> int:
    """Remove what is older than a day; return how many went."""
    return IdempotentRequest.objects.filter(created_at__lte=timezone.now() - KEPT).delete()[0]


def _still_running() -> ConflictError:
    return ConflictError(
        "request_in_progress", "Your first request with this key is still running. Ask again in a moment."
    )


@resealer("kept answers")
def reseal_answers() -> int:
    """Seal anew what is under another key; return how many rows that were."""
    return reseal_columns(IdempotentRequest.objects.all(), "sealed_answer", purpose=SEALED_FOR)
