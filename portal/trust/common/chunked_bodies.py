"""Chunked bodies: a request with `Transfer-Encoding: chunked` is read like one that states its length.

Django takes a body without `Content-Length` for an empty one: what was sent would be lost, and the answer would
call it done. Clients of .NET, Java and Node send so where they don't know the length beforehand.
"""

from __future__ import annotations

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


class ChunkedBodyMiddleware:
    """Read a chunked body up to the most that any address takes of its kind, and state its length.

    What the address itself takes is its own to tell, by that length. On a larger or a broken body the first
    attempt to read it raises RequestDataTooBig or UnreadablePostError, as it does of other bodies; where the web
    server can't tell the end (`wsgi.input_terminated`, which gunicorn sets) it is refused by 411.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_chunked(request):
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
                _put(request, _Refusing(RequestDataTooBig("A chunked body is larger than any.")), length)
                return
            body.write(chunk)
    except Exception as error:  # noqa: BLE001 (each web server has its own; they share that the body is broken)
        _put(request, _Refusing(UnreadablePostError(type(error).__name__)), max(length, 1))
        return
    body.seek(0)
    _put(request, body, length)


def most_bytes(content_type: str) -> int:
    """The most that any address takes of a body of this kind."""
    text: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if content_type == "multipart/form-data":
        return int(settings.DERMAPORT_UPLOAD_MAX_BYTES) * settings.DERMAPORT_UPLOAD_MAX_IMAGES + text
    if content_type == "application/x-www-form-urlencoded":
        return text
    return max(text, settings.DERMAPORT_API_JSON_MAX_BYTES, settings.DERMAPORT_FHIR_MAX_BYTES)


def _put(request: HttpRequest, body: Any, length: int) -> None:
    # As Django's own handler keeps it; there is no public name.
    request._stream = body  # noqa: SLF001
    request.META["CONTENT_LENGTH"] = str(length)


class _Refusing:
    """A body that can't be read, for a reason that whoever reads it is told."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, *_: Any) -> bytes:
        raise self._error

    readline = read

    def close(self) -> None:
        """Nothing is held."""
