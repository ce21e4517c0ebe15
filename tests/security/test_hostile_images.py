"""Whatever the bytes, the answer is an image or a RejectedImageError. Nothing else gets out."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.intake import IntakeImage, RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from tests.classifier.intake.samples import FORMATS, draw_picture, encode

# Small pictures, a low limit: a mutated header asks for megabytes, not gigabytes.
LIMITS = UploadLimits(min_side=8, max_pixels=1_000_000)
ODD_MODES = [("PNG", "P"), ("PNG", "LA"), ("PNG", "I;16"), ("TIFF", "CMYK"), ("TIFF", "1")]
DATA = Path(os.environ.get("DERMAPORT_DATA", "../shared/data"))
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


def build_samples():
    picture = draw_picture(48, 40)
    samples = [encode(picture, name) for name in FORMATS]
    samples += [
        encode(picture.convert("L").convert(mode), name) for name, mode in ODD_MODES if mode == "I;16"
    ]
    samples += [encode(picture.convert(mode), name) for name, mode in ODD_MODES if mode != "I;16"]
    samples.append(encode(picture, "JPEG", progressive=True))
    samples.append(encode(picture, "TIFF", compression="tiff_lzw"))
    samples.append(encode(picture, "TIFF", compression="jpeg"))
    samples.append(encode(picture, "WEBP", lossless=True))
    samples.append(encode(picture, "PNG", save_all=True, append_images=[draw_picture(48, 40, 2)]))
    return samples


SAMPLES = build_samples()


def pass_gate(data, limits=LIMITS):
    """Return the refusal's code, or None for an image that passed."""
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
def mutate(draw):
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    # Headers are where a few bytes do most; the rest is hit less often.
    zone = draw(st.sampled_from([64, 256, len(data)]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, min(zone, len(data)) - 1))
        action = draw(st.sampled_from(["set", "flip", "cut", "insert", "remove", "word"]))
        if action == "set":
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
        elif action == "flip":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif action == "cut" and at > 4:
            del data[at:]
        elif action == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif action == "remove" and len(data) > 16:
            del data[at : at + draw(st.integers(1, 8))]
        elif action == "word":
            data[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4)]))
        if not data:
            break
    return bytes(data)


@given(mutate())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files(data):
    pass_gate(data)


@given(st.sampled_from(SAMPLES), st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_true_start_and_a_false_rest(sample, rest):
    pass_gate(sample[: 4 + len(rest) % 60] + rest)


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_plain_noise(data):
    pass_gate(data)


def find_files():
    folders = [
        "ood",
        "dicom",
        "pad-ufes-20-smartphone/originals",
        "isic-archive-mixed/originals",
    ]
    return [path for folder in folders for path in sorted((DATA / folder).rglob("*")) if path.is_file()]


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared image sets (DERMAPORT_DATA) are not here")
def test_real_odd_files():
    codes = [pass_gate(path.read_bytes(), UploadLimits()) for path in find_files()]
    assert codes.count(None) > 10
    assert {"unsupported_format", "truncated", "too_small", "animated"} <= set(codes)
