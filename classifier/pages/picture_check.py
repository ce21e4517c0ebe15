"""The check beside a thumbnail: the worker's own gates, asked while the picture can be taken again.

The browser sends a reduced copy with the size of the original, so that a large photograph goes over the
line once. Each process checks a few pictures at a time; where it has no hand free within a second it says
so and the case goes on, since the worker's gates decide anyway.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from classifier.engine import serving
from classifier.labels.gates import describe_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

log = structlog.get_logger(__name__)

AT_ONCE = 2
WAIT_SECONDS = 1.0
GOOD = "Sharp, bright and large enough."
READABLE = "It can be read and is large enough."
BUSY = "Not checked: the check is busy. You can send it; the model checks it again."
BROKEN = "Not checked: the check can't run at the moment. You can send it; the model checks it again."
UNJUDGED = "You can send it all the same; the model will not judge it."

_slots = threading.BoundedSemaphore(AT_ONCE)


class CheckBusyError(Exception):
    """Every hand of this process is at work on another picture."""


@dataclass(frozen=True)
class PictureCheck:
    """What stands beside a picked picture.

    `tone`: `good`; `doubtful`, worth a look; `unjudged`, the model won't judge it; `bad`, it can't be sent;
    empty, not checked. `lines`: sentences on a dermoscopic picture; `other_lines`: those on the same
    picture where it is of another kind, which no gate concerns. `figures`: each with label, value and
    limit. `kind`: a proposal, a value of `vocabulary.CaptureKind` or empty.
    """

    tone: str
    lines: list[str]
    other_lines: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    kind: str = ""

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@contextmanager
def a_free_hand() -> Iterator[None]:
    """Hold one of the few places of this process. Raises CheckBusyError after a second's wait."""
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise CheckBusyError
    try:
        yield
    finally:
        _slots.release()


def check_pixels(
    pixels: Image.Image, *, original_size: tuple[int, int] | None = None, hints: list[str] | None = None
) -> PictureCheck:
    """Ask the gates about upright RGB `pixels`, a copy of a picture of `original_size` where that is given.

    `hints`: what is known of the file besides, said of every kind. Never raises: where the gates can't be
    loaded that is what stands there.
    """
    hints = hints or []
    if not settings.DERMAPORT_GATES:
        return PictureCheck("doubtful" if hints else "good", hints or [READABLE], hints)
    try:
        found = serving.check_image(pixels, original_size)
    except Exception:
        log.exception("check_failed")
        return PictureCheck("", [BROKEN, *hints], hints)
    wrong = [message["message"] for message in found.messages]
    figures = [
        {"label": one.label, "value": one.value, "limit": one.limit}
        for one in describe_figures(found.verdict.figures)
    ]
    if found.state == "refused":
        return PictureCheck("unjudged", [*wrong, UNJUDGED, *hints], hints, figures, found.kind)
    if wrong or hints:
        return PictureCheck("doubtful", [*wrong, *hints], hints, figures if wrong else [], found.kind)
    return PictureCheck("good", [GOOD], [], figures, found.kind)
