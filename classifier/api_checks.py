"""System checks of the API: those who wait for a result leave threads to everybody else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 (Django's name)


@register(Tags.compatibility)
def check_waiting(**_: Any) -> list[CheckMessage]:
    """A request with `?wait=` holds its thread for half a minute: they must never hold them all."""
    waiting, threads = settings.DERMAPORT_API_WAITING, settings.WEB_THREADS
    said = f"DERMAPORT_API_WAITING lets {waiting} requests wait, of {threads} threads of a web process"
    hint = "Lower DERMAPORT_API_WAITING or raise WEB_THREADS."
    if waiting < 0 or waiting >= threads:
        words = f"{said}; expected 0 to {threads - 1}, so that one is left to answer."
        return [Error(words, hint=hint, id="api.E001")]
    if waiting * 2 > threads:
        return [Warning(f"{said}: pages get slow when all of them do.", hint=hint, id="api.W002")]
    return []
