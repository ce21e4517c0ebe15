"""Stored derivatives: open a picture that was rebuilt from pixels; nothing leads to an original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from classifier.domain.errors import UnavailableError
from portal.trust.encryption.keys import DecryptionError

if TYPE_CHECKING:
    from django.core.files import File

    from classifier.models import SubmissionImage

log = structlog.get_logger(__name__)


def open_derivative(image: SubmissionImage) -> File[bytes]:
    """The stored picture, open to be read. Raises UnavailableError (image_unavailable)."""
    try:
        return image.derivative.open("rb")
    except OSError as error:
        raise _unavailable() from error
    except DecryptionError as error:
        log.error("stored_picture_damaged", image=str(image.pk))  # noqa: TRY400
        raise UnavailableError(
            "image_unavailable", "The stored image was changed or its key is missing. Tell your operator."
        ) from error


def read_derivative(image: SubmissionImage) -> bytes:
    """All its bytes. Raises UnavailableError (image_unavailable), also where a store opens late."""
    try:
        with open_derivative(image) as file:
            data: bytes = file.read()
    except OSError as error:
        raise _unavailable() from error
    return data


def _unavailable() -> UnavailableError:
    return UnavailableError("image_unavailable", "The image store can't be reached. Try again later.")
