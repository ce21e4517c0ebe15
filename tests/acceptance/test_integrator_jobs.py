"""The five jobs of docs/integrators.md, as they stand there, against the running portal."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from classifier.client import Client, is_genuine
from tests.classifier.webhooks.receiver import Receiver
from tests.factories import draw_jpeg
from tests.support.integrators_page import PAGE, read_jobs
from tests.support.live_clinic import LiveClinic
from tests.support.live_stack import PROJECT
from tests.support.ports import free_port

pytestmark = [pytest.mark.stack, pytest.mark.acceptance]
SECONDS = 60.0
MAPPING = (
    "file,case,mrn,body_site,consents_to_inference\n1.jpg,a,A-1,lower_extremity_thigh,yes\n"
    "2.jpg,a,A-1,lower_extremity_thigh,yes\n3.jpg,,B-2,,yes\n"
)
VARIABLES = {
    "integration": "DERMAPORT_TOKEN",
    "administrator": "ADMINISTRATOR_TOKEN",
    "clinician": "CLINICIAN_TOKEN",
}
ROLES = {variable: role for role, variable in VARIABLES.items()}
MAKE_TOKENS = """
import json
from portal.trust.accounts.tokens.tokens import make_own_token
from portal.trust.accounts.models import User
made = {{}}
for role, scopes in {scopes!r}.items():
    owner = User.objects.get(email=f"{{role}}@{domain}")
    made[role] = make_own_token(actor=owner, name="five jobs", scopes=scopes, days=1).text
print(json.dumps(made))
"""
GOES_WITH = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


@pytest.fixture
def clinic(live_stack, tmp_path, monkeypatch):
    """A clinic of its own, and the files that the page speaks of in the working directory."""
    made = LiveClinic(live_stack)
    (tmp_path / "lesion.jpg").write_bytes(draw_jpeg(100))
    (tmp_path / "images").mkdir()
    for seed in (1, 2, 3):
        (tmp_path / "images" / f"{seed}.jpg").write_bytes(draw_jpeg(seed))
    (tmp_path / "cases.csv").write_text(MAPPING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERMAPORT_URL", live_stack.url)
    for role, token in make_tokens(made).items():
        monkeypatch.setenv(VARIABLES[role], token)
    return made


def make_tokens(clinic: LiveClinic) -> dict[str, str]:
    """With the scopes that the page says, and no others."""
    told = (row.split("`") for row in read_jobs()[0].text.splitlines() if row.startswith("| `"))
    scopes = {ROLES[cells[1]]: cells[3].split() for cells in told}
    code = MAKE_TOKENS.format(scopes=scopes, domain=clinic.domain)
    return json.loads(clinic.stack.manage("shell", "-v", "0", "--no-imports", "-c", code).splitlines()[-1])


def sign(clinic: LiveClinic, submission: str) -> None:
    """What the dermatologist does meanwhile."""
    token = clinic.log_in("dermatologist").headers["Authorization"].removeprefix("Bearer ")
    with Client(clinic.stack.url, token) as client:
        case = client.submissions.get(submission)
        client.reviews.sign(case, diagnosis="melanoma", management="excise", agreement="agrees")


def check_files(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "results.csv").open(encoding="utf-8-sig", newline="")))
    assert sorted(row["file"] for row in rows) == ["1.jpg", "2.jpg", "3.jpg"]
    assert {row["prediction"] for row in rows} == {"succeeded"}
    assert len({row["submission_id"] for row in rows}) == 2
    assert (folder / "image.dcm").read_bytes()[128:132] == b"DICM"
    assert (folder / "report.pdf").read_bytes()[:5] == b"%PDF-"


def wait_for(condition, clinic) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, clinic.stack.read_log()[-4000:]
        time.sleep(0.1)


def test_page_has_five_jobs_in_both_languages():
    before, jobs = read_jobs()
    assert [job.title.partition(".")[0] for job in jobs] == ["1", "2", "3", "4", "5"]
    for part in (before, *jobs):
        assert part.lines_in("sh"), part.title
        assert part.lines_in("python"), part.title
        assert {name for name, _ in part.blocks} == {"sh", "python"}, part.title


class Shell:
    """Job after job, with what the ones before have set."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.touch()

    def run(self, code: str) -> str:
        script = f"set -euo pipefail; . {self.state}; set -a\n{code}\nset +a; export -p > {self.state}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={**os.environ, **GOES_WITH, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_jobs_by_curl(clinic, tmp_path, monkeypatch):
    before, jobs = read_jobs()
    with Receiver(tmp_path) as receiver:
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{receiver.port}/hooks")
        shell = Shell(tmp_path)
        shell.run(before.lines_in("sh"))
        submit, folder, follow, report, pathology = (job.lines_in("sh") for job in jobs)

        assert shell.run(submit).splitlines()[-1].split()[0] == "succeeded"
        case = json.loads((tmp_path / "case.json").read_text())
        assert len(shell.run(folder).splitlines()) >= 3
        assert len((tmp_path / "outcomes.csv").read_text().splitlines()) == 3
        shell.run(follow)
        assert case["id"] in (tmp_path / "changes").read_text()
        sign(clinic, case["id"])
        wait_for(lambda: receiver.requests, clinic)
        request = receiver.requests[0]
        secret = (tmp_path / "secret").read_text().strip()
        assert is_genuine(secret, request.headers, request.body)
        assert json.loads(request.body)["submission"] == case["id"]

        assert shell.run(report).startswith("final: Melanoma.")
        assert json.loads((tmp_path / "review.json").read_text())["diagnosis"] == "melanoma"
        shell.run(pathology)
        assert json.loads((tmp_path / "outcome.json").read_text())["lesion"] == case["lesion"]["id"]
    check_files(tmp_path)


def test_jobs_by_the_client(clinic, tmp_path, monkeypatch, capsys):
    before, jobs = read_jobs()
    port = free_port()
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}/hooks")
    names: dict = {}

    def run(code: str) -> str:
        exec(compile(code, PAGE.name, "exec"), names)
        return capsys.readouterr().out

    run(before.lines_in("python"))
    submit, folder, follow, report, pathology = (job.lines_in("python") for job in jobs)
    assert run(submit).split()[0] == "succeeded"
    assert [line.split()[0] for line in run(folder).splitlines()] == ["submitted", "submitted"]
    run(follow)
    case = names["case"]
    assert case.id in names["changes"]
    server = ThreadingHTTPServer(("127.0.0.1", port), names["Hook"])
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        sign(clinic, case.id)
        payload = names["payloads"].get(timeout=SECONDS)
    finally:
        server.shutdown()
        server.server_close()
    assert (payload["type"], payload["submission"]) == ("review.signed", case.id)
    assert "final Melanoma." in run(report)
    run(pathology)
    assert names["outcome"].lesion == case.lesion.id
    check_files(tmp_path)
    for name in ("client", "administrator", "clinician"):
        names[name].close()
