"""Quality and domain gates as the portal asks them: of a worker's looks, and of a picture before it is sent.

The gates need no Keras: worker and web process run the same ones on the same files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.digests import digest_bytes
from ml.gates import specification
from ml.gates.verdict import GateLook, Gates, GateVerdict, describe_doubt, describe_refusal, look_at
from ml.imaging.decoding import decode_image

__all__ = [
    "GateLook",
    "GateVerdict",
    "ImageCheck",
    "assess",
    "check_image",
    "find_gate_problem",
    "load_gates",
    "look_at",
    "warm_up_gates",
]


@dataclass(frozen=True)
class ImageCheck:
    """What the gates say of a picture before it is sent, so that it can still be taken again.

    `state`: `good` when the worker will take it, `refused` when it won't, `doubtful` when a reduced
    copy is too near to a limit to tell. `messages`: each as {code, message}, what is wrong and what to
    do; empty for a good one. `kind` as that of `verdict`: a proposal, empty when nothing is sure.
    `verdict` is that of the very pixels checked.
    """

    state: str
    messages: list[dict[str, str]]
    kind: str
    verdict: GateVerdict


@cache
def load_gates() -> Gates:
    """Return the gates, loaded once in this process. Call it after the fork, as for a network.

    Raises GateError or ImportError; the next call tries again.
    """
    return Gates.load()


def warm_up_gates() -> None:
    """Load the gates and run them once, so that the first patient does not wait."""
    load_gates().decide([look_at(np.zeros((1, 1, 3), np.uint8))])


def find_gate_problem() -> str:
    """Return what is wrong with the gates' files, in a sentence; empty when each is as specified."""
    folder = specification.find_gates_folder()
    try:
        domain = specification.GateSpecification.load(folder / "gates.json").domain
        for name in specification.DOMAIN_FILES:
            expected = domain[f"{name}_sha256"]
            received = digest_bytes((folder / domain[name]).read_bytes())
            if received != expected:
                return f"{domain[name]}: expected sha256 {expected}, received {received}."
    except (specification.GateError, OSError) as error:
        return str(error)
    return ""


def assess(looks: Sequence[GateLook]) -> list[GateVerdict]:
    """Return what the gates say of each look, in order."""
    return load_gates().decide(looks)


def check_image(
    image: bytes | Image.Image | NDArray[Any], original_size: tuple[int, int] | None = None
) -> ImageCheck:
    """Say of a picture, or of a reduced copy of it, what the worker's gates will say. Runs in any process.

    `image`: a file's bytes, or its upright RGB pixels, decoded. `original_size`: (width, height) of the
    upright picture that this is a copy of; then limits are tightened by how much copies differ. Without
    it, this is the picture itself and the answer is the worker's own: good or refused.

    Raises `ml.imaging.errors.UndecodableImageError` for bytes that are no picture, ValueError for a size
    below 1, and GateError or ImportError when the gates can't be loaded.
    """
    if original_size is not None and min(original_size) < 1:
        raise ValueError(f"Expected a size of 1 pixel or more, received {original_size}.")
    look = look_at(decode_image(image) if isinstance(image, bytes) else image, original_size)
    if original_size is None:
        (verdict,) = assess([look])
        state = "refused" if verdict.refusals else "good"
        return ImageCheck(state, verdict.refusals, verdict.kind, verdict)
    found = load_gates().check(look)
    figures = found.verdict.figures
    messages = [{"code": code, "message": describe_refusal(code, figures)} for code in found.refused]
    # Once it is refused, what else may be wrong helps nobody.
    if not messages:
        messages = [{"code": code, "message": describe_doubt(code, figures)} for code in found.doubted]
    state = "refused" if found.refused else "doubtful" if found.doubted else "good"
    return ImageCheck(state, messages, found.verdict.kind, found.verdict)
