"""Whatever the bytes, the answer is an image or a refusal."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.classifier.dicom.samples import SYNTAXES, build_dicom
from tests.classifier.intake.hostile import mutate, pass_gate
from tests.classifier.intake.samples import draw_picture

SAMPLES = [build_dicom(draw_picture(20, 16), syntax) for syntax in SYNTAXES.values()]


@given(mutate(SAMPLES, zones=[600], first=132, shortest=200, words=[b"\xfe\xff\x00\xe0"]))
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
