"""Test images of fanconi-isic through the running portal, against `python -m ml evaluate`.

Every thirtieth of each class; with --whole all 660.
"""

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.answers import evaluate
from tests.support.live_clinic import LiveClinic
from tests.support.live_stack import PROJECT, LiveStack

DATA = Path(os.environ.get("DERMAPORT_DATA") or PROJECT.parent / "shared" / "data")
TEST_SPLIT = DATA / "fanconi-isic" / "test"
CLASSES = {"benign": 360, "malignant": 300}
SAMPLED_STEP, HTTP_STEP = 30, 11

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.campaign,
    pytest.mark.stack,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not TEST_SPLIT.is_dir(), reason=f"needs the shared images in {TEST_SPLIT}"),
]


@pytest.fixture
def images(is_whole: bool, tmp_path: Path) -> Path:
    """A folder of what is sent, by class as in the set."""
    for name, number in CLASSES.items():
        files = sorted((TEST_SPLIT / name).glob("*.jpg"))
        assert len(files) == number
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for file in files if is_whole else files[::SAMPLED_STEP]:
            shutil.copy(file, folder)
    return tmp_path / "images"


def count(stack: LiveStack, clinic: LiveClinic, condition: str = "1 = 1") -> int:
    query = f"""
        SELECT count(*) FROM classifier_prediction p
        JOIN classifier_submissionimage i ON i.id = p.image_id
        JOIN accounts_clinic c ON c.id = i.clinic_id
        WHERE c.name = %s AND {condition}"""
    return stack.query(query, (clinic.name,))[0][0]


def test_portal_answers_as_the_evaluation_does(live_stack: LiveStack, images: Path, tmp_path: Path):
    clinic = LiveClinic(live_stack)
    files = sorted(images.rglob("*.jpg"))
    by_http = submit_over_http(clinic, files[::HTTP_STEP])
    clinic.submit_folder(images, tmp_path / "journal.jsonl", "--wait")
    # The client knows what it sent itself: those of before are judged a second time.
    assert count(live_stack, clinic) == len(files) + by_http
    assert count(live_stack, clinic, "p.state = 'succeeded'") == len(files) + by_http

    table = tmp_path / "predictions.csv"
    ((model,),) = live_stack.query("SELECT file FROM classifier_modelversion WHERE lifecycle = 'active'")
    expected = evaluate(PROJECT / "ml" / "weights" / model, images, table)
    check_each_row(live_stack, clinic, expected)
    report = live_stack.manage("compare_predictions", table, "--clinic", clinic.name)
    assert re.search(r"Differences +0$", report, re.MULTILINE)
    portal, evaluation = re.findall(r"^Accuracy, \w+ +(.+)$", report, re.MULTILINE)
    assert portal == evaluation
    assert f"of {len(files)} labelled" in portal


def submit_over_http(clinic: LiveClinic, files: list[Path]) -> int:
    session = clinic.log_in()
    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(lambda file: clinic.submit(session, file), files))
    assert len({case["id"] for case in sent}) == len(files)
    return len(files)


def check_each_row(stack: LiveStack, clinic: LiveClinic, expected: dict) -> None:
    rows = stack.query(
        "SELECT i.sha256, p.probability, p.calibrated_probability FROM classifier_prediction p "
        "JOIN classifier_submissionimage i ON i.id = p.image_id JOIN accounts_clinic c ON c.id = i.clinic_id "
        "WHERE c.name = %s",
        (clinic.name,),
    )
    assert {sha256 for sha256, *_ in rows} == set(expected)
    for sha256, probability, calibrated in rows:
        assert probability == pytest.approx(expected[sha256].probability, abs=1e-5)
        assert calibrated == pytest.approx(expected[sha256].calibrated_probability, abs=1e-5)
