"""Whatever the bytes, the answer is an image or a RejectedImageError. Nothing else gets out."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.domain.limits import UploadLimits
from tests.classifier.intake.hostile import mutate, pass_gate
from tests.classifier.intake.samples import FORMATS, draw_picture, encode

ODD_MODES = [("PNG", "P"), ("PNG", "LA"), ("PNG", "I;16"), ("TIFF", "CMYK"), ("TIFF", "1")]
DATA = Path(os.environ.get("DERMAPORT_DATA", "../shared/data"))


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


@given(mutate(SAMPLES, zones=[64, 256], shortest=4))
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
