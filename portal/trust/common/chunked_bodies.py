"""Request bodies: the most that is read of one, and those with `Transfer-Encoding: chunked`.

Django takes a body without `Content-Length` for an empty one: what was sent would be lost, and the answer would
call it done. Clients of .NET, Java and Node send so where they don't know the length beforehand. And of a form
with files Django limits the text alone: the files would be written to the disk first, however large.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import JsonResponse, UnreadablePostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CHUNK = 64 * 1024
OWN_ANSWERS = ("/api/", "/fhir/")
"""Addresses whose views tell a refusal in the shape of their interface."""
WORDS = "This server needs to know how long the body is: send it with Content-Length, not chunked."


class LengthRequiredError(Exception):
    """The web server doesn't say where a chunked body ends (411)."""

    code = "length_required"
    message = WORDS


class BodyTooLargeError(RequestDataTooBig):
    """A body is larger than any address takes of its kind: `most` bytes; `received` where that is known."""

    def __init__(self, most: int, received: int | None = None) -> None:
        super().__init__(f"A body of more than {most} bytes.")
        self.most, self.received = most, received


class ChunkedBodyMiddleware:
    """Refuse a body larger than any address takes of its kind; read a chunked one, and state its length.

    What the address itself takes is its own to tell, by that length. On a larger or a broken body the first
    attempt to read it raises BodyTooLargeError or UnreadablePostError; where the web server can't tell the end
    of a chunked one (`wsgi.input_terminated`, which gunicorn sets) it is refused by 411.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_chunked(request):
            _refuse_if_too_large(request)
            return self.get_response(request)
        if not request.META.get("wsgi.input_terminated"):
            if not request.path.startswith(OWN_ANSWERS):
                answer = {"error": LengthRequiredError.code, "error_description": WORDS}
                return JsonResponse(answer, status=411)
            _put(request, _Refusing(LengthRequiredError()), 1)
            return self.get_response(request)
        with tempfile.SpooledTemporaryFile(
            settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=settings.FILE_UPLOAD_TEMP_DIR
        ) as body:
            _take_over(request, body)
            return self.get_response(request)


def _refuse_if_too_large(request: HttpRequest) -> None:
    stated = request.META.get("CONTENT_LENGTH") or ""
    length, most = int(stated) if stated.isdecimal() else 0, most_bytes(request.content_type or "")
    if length > most:
        _put(request, _Refusing(BodyTooLargeError(most, length), request._stream), length)  # noqa: SLF001 (as in _put)


def _is_chunked(request: HttpRequest) -> bool:
    return (
        request.method not in WITHOUT_BODY
        and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        and not request.META.get("CONTENT_LENGTH")
    )


def _take_over(request: HttpRequest, body: Any) -> None:
    most = most_bytes(request.content_type or "")
    length = 0
    try:
        while chunk := request.META["wsgi.input"].read(min(CHUNK, most + 1 - length)):
            length += len(chunk)
            if length > most:
                _put(request, _Refusing(BodyTooLargeError(most)), length)
                return
            body.write(chunk)
    except Exception as error:  # noqa: BLE001 (each web server has its own; they share that the body is broken)
        _put(request, _Refusing(UnreadablePostError(type(error).__name__)), max(length, 1))
        return
    body.seek(0)
    _put(request, body, length)


def most_bytes(content_type: str, *, images: int | None = None) -> int:
    """The most that any address takes of a body of this kind; of a form with `images` files, where it says so."""
    text: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if content_type == "multipart/form-data":
        return (
            int(settings.DERMAPORT_UPLOAD_MAX_BYTES) * (images or settings.DERMAPORT_UPLOAD_MAX_IMAGES) + text
        )
    if content_type == "application/x-www-form-urlencoded":
        return text
    return max(text, settings.DERMAPORT_API_JSON_MAX_BYTES, settings.DERMAPORT_FHIR_MAX_BYTES)


def _put(request: HttpRequest, body: Any, length: int) -> None:
    # As Django's own handler keeps it; there is no public name.
    request._stream = body  # noqa: SLF001
    request.META["CONTENT_LENGTH"] = str(length)


def drain(request: HttpRequest, most: int) -> None:
    """Read on a little of what is refused: a browser that is still sending doesn't listen to the answer."""
    stream = request._stream  # noqa: SLF001 (as in _put)
    rest = stream.rest if isinstance(stream, _Refusing) else stream
    with contextlib.suppress(OSError):
        while rest is not None and most > 0 and (chunk := rest.read(CHUNK)):
            most -= len(chunk)


class _Refusing:
    """A body that can't be read, for a reason that whoever reads it is told; `rest` is what came of it."""

    def __init__(self, error: Exception, rest: Any = None) -> None:
        self._error = error
        self.rest = rest

    def read(self, *_: Any) -> bytes:
        raise self._error

    readline = read

    def close(self) -> None:
        """Nothing is held."""
