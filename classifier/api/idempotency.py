"""Idempotency: a request sent again with its `Idempotency-Key` is answered once and done once."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, QueryDict
from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from classifier.domain.errors import InvalidInputError, ServiceError
from classifier.intake.idempotency import KeptAnswer, claim_request, keep_answer, read_answer, release_request
from portal.trust.encryption.sealed import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

    from classifier.drf.views import NoStoreView
    from classifier.models import IdempotentRequest
    from portal.trust.accounts.requests import ApiRequest

    Post = TypeVar("Post", bound=Callable[..., Response])


# --- Fingerprint --------------------------------------------------------------------------------
# Two requests are the same by method, address and body, whatever its boundary or key order.


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


HEADER = "Idempotency-Key"
KEY_LIMIT = 128
TOLD = (APIException, ServiceError, PermissionDenied, Http404)
"""Errors after which nothing was done: the key may come again, with another body too."""


@overload
def idempotent(post: Post) -> Post: ...


@overload
def idempotent(*, in_one_transaction: bool = True) -> Callable[[Post], Post]: ...


def idempotent(post: Any = None, *, in_one_transaction: bool = True) -> Any:
    """Decorate `post`: with a key, what it does and its answer are kept together, or neither.

    Where it can't be one transaction (files are written before), what is made carries
    `view.request_key` in a unique column, and is found again by it.
    """

    def decorate(post: Post) -> Post:
        @wraps(post)
        def wrapper(view: NoStoreView, request: ApiRequest, *args: Any, **kwargs: Any) -> Response:
            key = read_key(request)
            if key is None:
                return post(view, request, *args, **kwargs)
            claimed = claim_request(caller=request.user, key=key, fingerprint=fingerprint(request))
            if claimed.status is not None:
                return repeat(request, claimed)
            view.request_key = claimed.pk
            try:
                with transaction.atomic() if in_one_transaction else contextlib.nullcontext():
                    response = post(view, request, *args, **kwargs)
                    keep_answer(
                        request=claimed, answer=read_response(request, response), clinic_id=view.clinic_id
                    )
            except Exception as error:
                is_undone = in_one_transaction or isinstance(error, TOLD)
                release_request(request=claimed, is_undone=is_undone)
                raise
            return response

        wrapper.is_idempotent = True  # type: ignore[attr-defined]  # a mark that the schema reads
        return wrapper  # type: ignore[return-value]  # the same signature

    return decorate if post is None else decorate(post)


def read_key(request: Request) -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not 0 < len(key.strip()) <= KEY_LIMIT:
        raise InvalidInputError(
            "idempotency_key_length",
            f"The {HEADER} has {len(key.strip())} characters; it can have 1 to {KEY_LIMIT}.",
            field=HEADER,
        )
    return key.strip() if key is not None else None


def read_response(request: Request, response: Response) -> KeptAnswer:
    body = JSONRenderer().render(response.data)
    # Where nothing was made, the address itself says whom the answer is about, for their erasure.
    location = response.headers.get("Location") or request.path
    return KeptAnswer(response.status_code, location, body)


def repeat(request: ApiRequest, answered: IdempotentRequest) -> Response:
    with transaction.atomic():
        kept = read_answer(actor=request.user, request=answered)
    if kept is None:
        raise NotFound
    headers = {"Idempotency-Replayed": "true"}
    if kept.location != request.path:
        headers["Location"] = kept.location
    return Response(json.loads(kept.body), status=kept.status, headers=headers)
