"""Optimistic locking over HTTP: `ETag`, `If-Match` and `If-None-Match`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import parse_etags
from rest_framework.response import Response

from classifier.domain.errors import InvalidInputError
from classifier.preconditions import tag_of

if TYPE_CHECKING:
    from django.db import models
    from rest_framework.request import Request

# A proxy that compresses marks tags as weak; they are ours all the same.
WEAK = "W/"


def read_if_match(request: Request) -> frozenset[str] | None:
    """The tags of which one must still hold; None where the caller asks for none."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    tags = frozenset(tag.removeprefix(WEAK) for tag in parse_etags(header))
    if not tags:
        raise InvalidInputError(
            "unreadable_condition", 'If-Match takes an ETag as it was sent, such as "3f2a…" with its quotes.'
        )
    return tags


def is_known(request: Request, tag: str) -> bool:
    """Whether the caller has this state already (If-None-Match)."""
    tags = {one.removeprefix(WEAK) for one in parse_etags(request.headers.get("If-None-Match", ""))}
    return tag in tags or "*" in tags


def with_tag(response: Response, row: models.Model) -> Response:
    response["ETag"] = tag_of(row)
    return response
