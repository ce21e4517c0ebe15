"""A file that somebody takes out of the portal."""

from __future__ import annotations

from django.http import HttpResponse


def attach(data: bytes, *, content_type: str, filename: str) -> HttpResponse:
    """The file as a download that no cache keeps; its name tells nothing of a patient."""
    response = HttpResponse(data, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
