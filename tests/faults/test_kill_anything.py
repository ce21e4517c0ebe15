"""Images in work while worker child, worker, web and broker are killed, each with SIGKILL.

Nothing may be lost, nothing answered twice, no row stuck; every answer must be the network's.
Thirty images, more than a worker claims at once there (eight); with --whole 300, and 32 at once.
"""

import os
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.factories import draw_jpeg
from tests.faults.answers import judge_directly
from tests.support.live_clinic import LiveClinic
from tests.support.live_stack import LiveStack

LONGEST_SECONDS = 400.0
pytestmark = [pytest.mark.campaign, pytest.mark.stack, pytest.mark.timeout(1200)]


class Work:
    """The rows of one clinic, as the stack's database tells them."""

    def __init__(self, stack: LiveStack, clinic: str) -> None:
        self.stack, self.clinic = stack, clinic

    def count(self, *states: str) -> int:
        marks = ", ".join(["%s"] * len(states))
        query = f"{self.rows('count(*)')} AND p.state IN ({marks})"
        return self.stack.query(query, (self.clinic, *states))[0][0]

    def rows(self, columns: str) -> str:
        return f"""
            SELECT {columns} FROM classifier_prediction p
            JOIN classifier_submissionimage i ON i.id = p.image_id
            JOIN accounts_clinic c ON c.id = i.clinic_id
            WHERE c.name = %s"""

    def wait_for(self, what: str, reached) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while not reached():
            states = self.stack.query(f"{self.rows('p.state, count(*)')} GROUP BY p.state", (self.clinic,))
            assert time.monotonic() < deadline, f"{what}: {states}\n{self.stack.read_log()[-6000:]}"
            time.sleep(0.02)

    def kill_while_running(self, *names: str) -> None:
        """Kill `names` in one moment in which rows are claimed; wait until they are back."""
        self.wait_for(f"running rows before killing {names}", lambda: self.count("running") > 0)
        killed = {name: self.stack.kill(name) for name in names}
        for name, number in killed.items():
            self.stack.wait_back(name, number)


def test_kill_anything(live_stack: LiveStack, tmp_path: Path, is_whole: bool):
    files = draw_files(tmp_path, by_folder=240, by_http=60) if is_whole else draw_files(tmp_path, 20, 10)
    clinic = LiveClinic(live_stack)
    work = Work(live_stack, clinic.name)

    submit_all_with_a_killed_web(live_stack, clinic, tmp_path, files)
    sent = sum(map(len, files.values()))
    assert work.count("queued") == sent

    # Both at once: the worker then can't put the child's message back, and must not wait for ever.
    work.kill_while_running("worker-child", "broker")
    work.kill_while_running("worker")
    work.kill_while_running("web")
    work.wait_for("the last answers", lambda: work.count("queued", "running") == 0)
    live_stack.wait_ready()

    check_nothing_lost_or_doubled(work, sent)
    live_stack.manage("verify_audit")
    check_answers(work, files)


def draw_files(folder: Path, by_folder: int, by_http: int) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {"folder": [], "http": []}
    for number in range(by_folder + by_http):
        kind = "folder" if number < by_folder else "http"
        path = folder / kind / f"{number:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(draw_jpeg(10_000 + number))
        files[kind].append(path)
    return files


def submit_all_with_a_killed_web(
    stack: LiveStack, clinic: LiveClinic, folder: Path, files: dict[str, list[Path]]
) -> None:
    """Submit everything while the worker's main process stands still, and kill the web meanwhile."""
    worker = stack.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        with (
            clinic.begin_folder(folder / "folder", folder / "journal.jsonl") as by_folder,
            ThreadPoolExecutor(3) as pool,
        ):
            session = clinic.log_in()
            sent = [
                pool.submit(clinic.submit, session, file, key=str(uuid.uuid4())) for file in files["http"]
            ]
            while sum(future.done() for future in sent) < len(sent) // 4:
                time.sleep(0.01)
            web = stack.kill("web")
            assert sum(future.done() for future in sent) < len(sent)
            stack.wait_back("web", web)
            assert len({future.result()["id"] for future in sent}) == len(sent)
            _, errors = by_folder.communicate()
        assert by_folder.returncode == 0, errors
    finally:
        os.kill(worker, signal.SIGCONT)


def check_nothing_lost_or_doubled(work: Work, sent: int) -> None:
    rows = work.stack.query(work.rows("p.id, p.image_id, p.state, p.attempt"), (work.clinic,))
    assert len(rows) == len({image for _, image, _, _ in rows}) == sent
    assert {state for _, _, state, _ in rows} == {"succeeded"}
    assert max(attempt for *_, attempt in rows) > 1, "no kill met a running row"
    events = work.stack.query(
        "SELECT object_id, count(*) FROM audit_auditevent WHERE action = %s GROUP BY object_id",
        ("prediction.succeeded",),
    )
    counts = {uuid.UUID(str(key)): number for key, number in events}
    assert [counts.get(uuid.UUID(str(row[0]))) for row in rows] == [1] * sent


def check_answers(work: Work, files: dict[str, list[Path]]) -> None:
    """Every stored probability is what the network says of that file when asked directly."""
    expected = judge_directly(work.stack, [*files["folder"], *files["http"]])
    rows = work.stack.query(work.rows("i.sha256, p.probability, p.outcome"), (work.clinic,))
    assert len(rows) == len(expected)
    for sha256, probability, outcome in rows:
        assert probability == pytest.approx(expected[sha256].probability, abs=1e-5)
        assert outcome == expected[sha256].outcome
