"""Quality check at intake: what the gates will say of a photo, while it can still be taken again.

These are the worker's own gates on the same pixels, so what is said here is what the answer will say. A
photo is taken whatever they find; and where they can't be loaded, without a word: the worker's decide.
"""

from typing import Final

import structlog
from django.conf import settings
from PIL import Image

from classifier.domain.image import Notice
from classifier.engine import serving

GOOD: Final = "good"
POOR: Final = "check"
# Names under which the figures have always been stored, and what the gates call them.
_NAMES: Final = {
    "sharpness": "sharpness",
    "brightness": "brightness",
    "contrast": "contrast",
    "dark_fraction": "dark_share",
    "bright_fraction": "bright_share",
}

log = structlog.get_logger(__name__)


def judge_quality(pixels: Image.Image) -> tuple[dict[str, float | int | str], list[Notice]]:
    """Return what is stored of a photo's quality, and in words what is wrong with it.

    The first holds the figures, `verdict` (`good` or `check`), `version` of the gates and `kind`, which
    kind of picture it looks like. Both are empty where the gates are off or can't be loaded.
    """
    if not settings.DERMAPORT_GATES:
        return {}, []
    try:
        found = serving.check_image(pixels)
    except Exception:
        log.exception("gates_not_loaded")
        return {}, []
    figures = found.verdict.figures
    notices = [Notice(one["code"], one["message"]) for one in found.messages]
    return {
        **{name: figures[measure] for name, measure in _NAMES.items() if measure in figures},
        "verdict": POOR if notices else GOOD,
        "version": found.verdict.version,
        "kind": found.kind,
    }, notices
