"""Upload errors: a request too large, torn or with too many files is answered with a sentence."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from classifier.domain.limits import UploadLimits, describe_bytes
from portal.trust.common import chunked_bodies as bodies

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse, HttpResponseBase

    from portal.trust.accounts.requests import PortalRequest

    Refuse = Callable[[Any, int, str], HttpResponse]

log = structlog.get_logger(__name__)


def most_bytes(images: int | None = None) -> int:
    """The largest request that can carry `images` images (a whole submission without it)."""
    return bodies.most_bytes("multipart/form-data", images=images)


def takes_upload(
    refuse: Refuse, *, images: int | None = None
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Let `refuse(request, status, message)` answer a request whose body can't be taken.

    The body has to be read inside this guard, and CSRF protection reads it; so the global check is
    lifted here and the same check runs within.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def wrapper(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            trouble = _find_trouble(request, images) if request.method == "POST" else None
            if trouble is not None:
                log.info("upload_refused", status=trouble[0])
                return refuse(request, *trouble)
            return protected(request, *args, **kwargs)

        return wrapper

    return decorate


def _find_trouble(request: PortalRequest, images: int | None) -> tuple[int, str] | None:
    """Read the body; return status and sentence when it can't be taken."""
    limits = UploadLimits.from_settings()
    received, most = int(request.META.get("CONTENT_LENGTH") or 0), most_bytes(images)
    if received > most:
        bodies.drain(request, most)
        return 413, (
            f"You sent {describe_bytes(received)}; at most {describe_bytes(most)} are accepted at "
            "once. Send fewer or smaller images; nothing of this was kept."
        )
    try:
        request.FILES  # noqa: B018 (reading it parses the body)
    except TooManyFilesSent:
        return 413, (
            f"You sent too many files; one submission takes at most {limits.max_images} images. "
            "Nothing of this was kept."
        )
    except (RequestDataTooBig, TooManyFieldsSent):
        return 413, (
            f"The text you sent is larger than {describe_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}. Shorten it; "
            "nothing of this was kept."
        )
    except (UnreadablePostError, MultiPartParserError):
        return 400, "The upload was cut off before its end; nothing of it was kept. Send it again."
    except OSError as error:
        log.error("upload_not_stored", errno=error.errno)  # noqa: TRY400 (a full disk, not a bug)
        return 503, "The server has no room for the upload. Tell your operator and send it again."
    return None
