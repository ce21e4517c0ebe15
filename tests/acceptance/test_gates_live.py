"""The portal as it ships: its default network behind its gates, real processes, from HTTP to the page."""

import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.live_clinic import LiveClinic

pytestmark = [pytest.mark.stack, pytest.mark.acceptance]
DATA = Path(os.environ.get("DERMAPORT_DATA", Path(__file__).parents[3] / "shared" / "data"))
DEFAULT = "efficientnetv2-b0"


@pytest.fixture(scope="module")
def clinic(gated_stack):
    return LiveClinic(gated_stack)


def draw_letter() -> bytes:
    """A page of text: sharp, bright enough, and no skin."""
    rows = np.full((600, 800, 3), 235, np.uint8)
    chance = np.random.default_rng(3)
    for top in range(60, 560, 26):
        for left in range(60, 740, 14):
            if chance.random() < 0.8:
                rows[top : top + 14, left : left + int(chance.integers(3, 12))] = 30
    target = io.BytesIO()
    Image.fromarray(rows).save(target, "PNG")
    return target.getvalue()


def answer(clinic: LiveClinic, file: Path) -> dict:
    session = clinic.log_in()
    case = clinic.submit(session, file)
    deadline = time.monotonic() + 120
    while not session.get(case["status_url"], timeout=30).json()["is_finished"]:
        assert time.monotonic() < deadline, clinic.stack.read_log()[-4000:]
        time.sleep(0.2)
    (image,) = session.get(case["url"], timeout=30).json()["images"]
    return image


def test_picture_of_no_lesion_is_refused_with_a_reason(clinic, tmp_path):
    file = tmp_path / "letter.png"
    file.write_bytes(draw_letter())
    image = answer(clinic, file)
    (prediction,) = image["predictions"]
    assert (prediction["state"], prediction["outcome"]) == ("succeeded", "refer")
    assert prediction["probability"] is prediction["calibrated_probability"] is None
    refusal = prediction["refusals"][0]
    assert refusal["message"].count(" ") > 5
    assert "again" in refusal["message"]
    assert "not_dermoscopic" in [one["code"] for one in prediction["refusals"]]
    figures = image["gate"]["figures"]
    assert figures["domain_distance"] > figures["domain_distance_most"]


@pytest.mark.skipif(not (DATA / "fanconi-isic").exists(), reason="needs the image sets (DERMAPORT_DATA)")
def test_dermoscopic_images_are_judged_by_the_default_network(clinic):
    files = sorted((DATA / "fanconi-isic" / "train" / "benign").rglob("*.jpg"))[:5]
    judged = 0
    for file in files:
        image = answer(clinic, file)
        (prediction,) = image["predictions"]
        assert image["gate"]["version"]
        if not prediction["refusals"]:
            judged += 1
            assert 0 <= prediction["calibrated_probability"] <= 1
            assert prediction["threshold_policy"]["version"]
            expected = DEFAULT if (Path("ml/weights") / f"{DEFAULT}.h5").exists() else "paper-cnn-2"
            assert prediction["model_version"]["name"] == expected
    assert judged >= 4
