"""Decoding: from the sealed original to the network's pixels and the gates' look. Touches no database."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from classifier.claims.engine import OutageError
from classifier.domain.states import PredictionState
from classifier.engine import serving
from portal.trust.encryption.keys import DecryptionError, UnknownKeyError

if TYPE_CHECKING:
    from classifier.models import ModelVersion, Prediction, SubmissionImage

THREADS = 2


@dataclass(frozen=True)
class Unusable:
    """Why there are no pixels: the state that follows, a code and a sentence."""

    state: PredictionState
    code: str
    message: str


@dataclass(frozen=True)
class Decoded:
    """What came of one original, and how long reading and decoding it took."""

    found: serving.Prepared | Unusable
    seconds: float


def start_decoding(batch: list[Prediction]) -> list[Future[Decoded]]:
    """Begin to decode the originals of one claimed batch; the results keep its order."""
    return [_pool().submit(_decode, row.image, row.model_version) for row in batch]


@cache
def _pool() -> ThreadPoolExecutor:
    # One for the life of the process, made at its first use: after the fork.
    return ThreadPoolExecutor(THREADS, thread_name_prefix="decode")


def _decode(image: SubmissionImage, version: ModelVersion) -> Decoded:
    started = time.perf_counter()
    found = _read_pixels(image, version)
    return Decoded(found, time.perf_counter() - started)


def _read_pixels(image: SubmissionImage, version: ModelVersion) -> serving.Prepared | Unusable:
    data = read_original(image)
    if isinstance(data, Unusable):
        return data
    try:
        # Gated before: what was found then stands.
        return serving.prepare(version, data, with_look=settings.DERMAPORT_GATES and image.gated_at is None)
    except serving.UnusableImageError as error:
        return Unusable(PredictionState.REJECTED, error.code, error.message)


def read_original(image: SubmissionImage) -> bytes | Unusable:
    """The bytes that were sent, or why they can't be had. Raises OutageError when the store is away."""
    data = _open_original(image)
    if data is None:
        return Unusable(
            PredictionState.FAILED,
            "original_missing",
            "The stored original can't be found. Tell your operator.",
        )
    if hashlib.sha256(data).hexdigest() != image.sha256:
        return Unusable(
            PredictionState.FAILED,
            "original_changed",
            "The stored original is not what was sent. Tell your operator.",
        )
    return data


def _open_original(image: SubmissionImage) -> bytes | None:
    """The sealed bytes, or None when there are none. Raises OutageError when the store is away."""
    try:
        with image.original.open("rb") as file:
            data: bytes = file.read()
    except FileNotFoundError:
        return None
    except UnknownKeyError as error:
        raise OutageError("the key of an original is not in the settings") from error
    except DecryptionError:
        # Changed or cut on its way here: nothing of it is what was sent.
        return b""
    except Exception as error:
        raise OutageError("the image store can't be read") from error
    return data
