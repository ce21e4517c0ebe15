"""Files that leave the portal as a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import StreamingHttpResponse
from django.utils import timezone

if TYPE_CHECKING:
    from classifier.services.exported import Export


def csv_download(export: Export, stem: str) -> StreamingHttpResponse:
    """CSV named by `stem` and day; its name and a header say how many rows were left out."""
    response = StreamingHttpResponse(export, content_type="text/csv; charset=utf-8")
    without = f"-without-{export.left_out}" if export.left_out else ""
    name = f"{stem}-{timezone.localdate():%Y-%m-%d}{without}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Left-Out"] = str(export.left_out)
    return response
