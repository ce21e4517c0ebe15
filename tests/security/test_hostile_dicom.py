"""Whatever the bytes, the answer is an image or a refusal."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.intake import IntakeImage, RejectedImageError, inspect_image
from classifier.limits import UploadLimits
from tests.classifier.dicom.samples import SYNTAXES, build_dicom
from tests.classifier.intake.samples import draw_picture

LIMITS = UploadLimits(min_side=8, max_pixels=1_000_000)
CODES = {
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
SAMPLES = [build_dicom(draw_picture(20, 16), syntax) for syntax in SYNTAXES.values()]


def pass_gate(data, limits=LIMITS):
    """The refusal's code, or None for an image that passed."""
    try:
        image = inspect_image(data, "photo.dcm", limits)
    except RejectedImageError as refusal:
        code, message = refusal.code, refusal.message
    else:
        assert isinstance(image, IntakeImage)
        return None
    assert code in CODES
    assert message.endswith(".")
    assert "Error" not in message
    return code


@st.composite
def mutate(draw):
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    zone = draw(st.sampled_from([600, len(data)]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(132, min(zone, len(data)) - 1))
        action = draw(st.sampled_from(["set", "flip", "cut", "insert", "remove", "word"]))
        if action == "set":
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
        elif action == "flip":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif action == "cut" and at > 200:
            del data[at:]
        elif action == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif action == "remove" and len(data) > 200:
            del data[at : at + draw(st.integers(1, 8))]
        elif action == "word":
            data[at : at + 4] = draw(
                st.sampled_from([b"\xff" * 4, b"\xfe\xff\x00\xe0", b"\x7f\xff\xff\xff", bytes(4)])
            )
        if len(data) <= 133:
            break
    return bytes(data)


@given(mutate())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files(data):
    pass_gate(data)


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_noise_behind_the_marker(data):
    pass_gate(bytes(128) + b"DICM" + data)


@given(st.sampled_from(SAMPLES), st.integers(132, 900))
@settings(max_examples=150, deadline=None)
def test_every_length(sample, length):
    if length < len(sample):
        assert pass_gate(sample[:length]) is not None
