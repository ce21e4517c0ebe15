"""Bytes that were tampered with, and what the gate may say to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from classifier.domain.limits import UploadLimits
from classifier.intake import IntakeImage, RejectedImageError, inspect_image

# Small pictures, a low limit: a mutated header asks for megabytes, not gigabytes.
LIMITS = UploadLimits(min_side=8, max_pixels=1_000_000)
CODES = {
    "empty_file",
    "file_too_large",
    "unsupported_format",
    "mixed_content",
    "animated",
    "too_many_pixels",
    "too_long",
    "too_small",
    "truncated",
    "corrupt",
    "burned_in",
}


def pass_gate(data: bytes, limits: UploadLimits = LIMITS) -> str | None:
    """The refusal's code, or None for an image that passed."""
    try:
        image = inspect_image(data, "photo.jpg", limits)
    except RejectedImageError as refusal:
        code, message = refusal.code, refusal.message
    else:
        assert isinstance(image, IntakeImage)
        assert image.pixels.size == (image.width, image.height)
        assert image.pixels.info == {}
        return None
    assert code in CODES
    assert message.endswith(".")
    assert "Error" not in message
    return code


@st.composite
def mutate(
    draw: Any,
    samples: Sequence[bytes],
    *,
    zones: Sequence[int],
    first: int = 0,
    shortest: int = 16,
    words: Sequence[bytes] = (),
) -> bytes:
    """One of `samples` with up to six changes from byte `first` on.

    Headers are where a few bytes do most: most changes fall before one of `zones`. What is to stay
    longer than `shortest` is neither cut nor taken from below it.
    """
    data = bytearray(draw(st.sampled_from(samples)))
    zone = draw(st.sampled_from([*zones, len(data)]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(first, min(zone, len(data)) - 1))
        action = draw(st.sampled_from(["set", "flip", "cut", "insert", "remove", "word"]))
        if action == "set":
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
        elif action == "flip":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif action == "cut" and at > shortest:
            del data[at:]
        elif action == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif action == "remove" and len(data) > shortest:
            del data[at : at + draw(st.integers(1, 8))]
        elif action == "word":
            data[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4), *words]))
        if len(data) <= first + 1:
            break
    return bytes(data)
