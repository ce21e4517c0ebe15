"""What makes two requests the same: method, address and body, whatever its boundary or key order."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from portal.common.encryption.sealed import digest

if TYPE_CHECKING:
    from rest_framework.request import Request


def fingerprint(request: Request) -> str:
    """A keyed digest: what it is made of may be short and a patient's. Files count by content."""
    whole = {
        "method": request.method,
        "path": request.path,
        "query": sorted((name, values) for name, values in request.query_params.lists()),
        "body": describe_body(request.data),
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate can come in JSON; it must not keep the request from being told so.
    return digest(text.encode("utf-8", "surrogatepass"), purpose="request fingerprint")


def describe_body(data: Any) -> Any:
    if not isinstance(data, QueryDict):
        return data
    return {name: [describe_value(value) for value in values] for name, values in data.lists()}


def describe_value(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    hasher = hashlib.sha256()
    for chunk in value.chunks():
        hasher.update(chunk)
    value.seek(0)
    return {"name": value.name, "sha256": hasher.hexdigest()}
