"""Ask before something that lets programs in is closed: what it holds ends for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.urls import reverse

if TYPE_CHECKING:
    import uuid

    from django.http import HttpResponse

    from portal.accounts.requests import PortalRequest


def ask_to_close(request: PortalRequest, route: str, pk: uuid.UUID, *, name: str, words: str) -> HttpResponse:
    """The page that asks; it posts to `<route>-active` and leads back to `route`."""
    context = {
        "name": name,
        "words": words,
        "address": reverse(f"{route}-active", args=[pk]),
        "back": reverse(route, args=[pk]),
    }
    return render(request, "classifier/settings/close.html", context)
