"""A real broker, a real worker process, a real network: one image in, one answer out."""

import time
from pathlib import Path

import pytest

from tests.factories import draw_jpeg
from tests.faults.answers import judge_directly
from tests.support.live_clinic import LiveClinic
from tests.support.live_stack import LiveStack

LONGEST_SECONDS = 120.0


@pytest.mark.stack
def test_one_image_from_submit_to_result(live_stack: LiveStack, tmp_path: Path):
    file = tmp_path / "lesion.jpg"
    file.write_bytes(draw_jpeg(77))
    clinic = LiveClinic(live_stack)
    session = clinic.log_in()
    case = clinic.submit(session, file)
    deadline = time.monotonic() + LONGEST_SECONDS
    while (status := session.get(case["status_url"], timeout=60).json())["state"] == "in_work":
        assert time.monotonic() < deadline, f"{status}\n{live_stack.read_log()[-4000:]}"
        time.sleep(0.05)
    assert status["state"] == "awaiting_review"
    (expected,) = judge_directly(live_stack, [file]).values()
    ((probability, outcome, device),) = live_stack.query(
        "SELECT p.probability, p.outcome, p.device FROM classifier_prediction p "
        "JOIN classifier_submissionimage i ON i.id = p.image_id JOIN accounts_clinic c ON c.id = i.clinic_id "
        "WHERE c.name = %s",
        (clinic.name,),
    )
    assert probability == pytest.approx(expected.probability, abs=1e-5)
    assert outcome == expected.outcome
    assert device.startswith(("CPU: ", "GPU:"))
