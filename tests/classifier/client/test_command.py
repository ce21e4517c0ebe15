"""`python -m classifier.client`: what it prints, writes and ends with."""

from __future__ import annotations

import csv
import functools
import io
import json
import subprocess
import sys
import time

import httpx
import pytest
from knox.models import AuthToken

from classifier.client import Client, ImageFile
from classifier.client.command import run, submitting
from classifier.engine.run import run_queued
from classifier.models import Patient, Submission
from tests.classifier.client.conftest import LOST, SITE, UNREACHABLE
from tests.classifier.client.portal import problem
from tests.factories import PatientFactory, draw_jpeg

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("model", "stores", "network")]
NAME = "Zebedee"
AGREED = ("--consent", "yes")


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "images"
    home.mkdir()
    for seed in range(3):
        (home / f"{seed}.jpg").write_bytes(draw_jpeg(seed))
    return home


@pytest.fixture
def command(bridge, side, monkeypatch, capsys):
    """Run the command as this person; returns its status, output and messages."""
    monkeypatch.setattr(run, "Client", functools.partial(Client, transport=bridge))

    def call(*arguments, person=None):
        _, text = AuthToken.objects.create(user=person or side.own.integration)
        monkeypatch.setenv("DERMAPORT_URL", SITE)
        monkeypatch.setenv("DERMAPORT_TOKEN", text)
        capsys.readouterr()
        status = run.main([*map(str, arguments)])
        out, told = capsys.readouterr()
        assert text not in out + told
        return status, out, told

    return call


def test_folder_to_csv(command, folder, tmp_path):
    status, out, told = command("submit", folder, *AGREED)
    assert (status, told) == (0, "3 submitted, 0 submitted before, 0 refused.\n")
    ids = out.split()
    assert sorted(ids) == sorted(str(pk) for pk in Submission.objects.values_list("pk", flat=True))
    run_queued(budget_seconds=5)
    journal = tmp_path / ".images.dermaport.jsonl"
    assert command("wait", "--journal", journal, "--quiet") == (0, "", "")
    target = tmp_path / "results.csv"
    assert command("results", "--journal", journal, "--format", "csv", "--output", target)[0] == 0
    rows = list(csv.DictReader(target.open(encoding="utf-8-sig", newline="")))
    assert sorted(row["submission_id"] for row in rows) == sorted(ids)
    assert {row["outcome"] for row in rows} == {"benign"}
    assert {row["file"] for row in rows} == {"0.jpg", "1.jpg", "2.jpg"}
    assert "mrn" not in rows[0]
    assert target.stat().st_mode & 0o077 == 0
    again = command("submit", folder, *AGREED, "--wait", "--quiet")
    assert again[2] == "0 submitted, 3 submitted before, 0 refused.\n"
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_formats_say_the_same(command, folder):
    ids = command("submit", folder, *AGREED)[1].split()
    run_queued(budget_seconds=5)
    whole = json.loads(command("results", *ids)[1])
    lines = [json.loads(line) for line in command("results", *ids, "--format", "jsonl")[1].splitlines()]
    assert whole == lines
    assert [one["id"] for one in whole] == ids
    since = json.loads(command("results", "--since", "2020-01-01")[1])
    assert {one["id"] for one in since} == set(ids)
    table = command("results", *ids, "--format", "csv", "--with-mrn")[1]
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert all(row["mrn"].startswith("FOLDER-") for row in rows)


def test_formula_in_a_name_stays_text(command, folder):
    hostile = '=HYPERLINK("http:a","b")|\t-1.jpg'
    (folder / "0.jpg").rename(folder / hostile)
    ids = command("submit", folder / hostile, *AGREED)[1].split()
    table = command("results", *ids, "--format", "csv")[1]
    (row,) = csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))
    assert row["file"].startswith("'=")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values())


def test_refused_file_gives_status_1_and_its_reason(command, folder):
    (folder / "1.jpg").write_bytes(b"")
    status, out, told = command("submit", folder, *AGREED)
    assert status == 1
    assert len(out.split()) == 2
    assert "1.jpg: 400 invalid_input (images.0: empty_file)" in told
    assert "2 submitted, 0 submitted before, 1 refused." in told


def test_another_answer_than_the_known_one_is_told_with_what_to_do(command, folder, side):
    patient = PatientFactory(clinic=side.own.clinic, mrn="A-1", consents_to_inference=True)
    known = ("--patient", patient.pk)
    status, _, told = command("submit", folder / "0.jpg", *known, "--consent", "no")
    assert status == 1
    assert "consents_to_inference: consent_mismatch" in told
    assert "Send the case without an answer, or record the new one with the patient first." in told
    assert command("submit", folder / "0.jpg", *known)[0] == 0


def test_mapping_names_nobody_in_messages(command, folder, tmp_path, caplog):
    (tmp_path / "known.csv").write_text(
        "file,mrn,birth_date,consents_to_inference\n0.jpg,A-1,1961-02-03,yes\n"
    )
    assert command("submit", folder, "--mapping", tmp_path / "known.csv")[0] == 0
    words = (
        "file,mrn,birth_date,note,clinical_question,consents_to_inference\n"
        f"1.jpg,A-1,1999-01-01,{NAME},{NAME},yes\n2.jpg,{NAME},,,,yes\n"
    )
    (tmp_path / "wrong.csv").write_text(words)
    status, out, told = command("submit", folder, "--mapping", tmp_path / "wrong.csv")
    assert status == 1
    assert "birth_date: birth_date_mismatch" in told
    assert NAME not in out + told + caplog.text
    assert NAME not in (tmp_path / ".images.dermaport.jsonl").read_text()
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("picture\n0.jpg\n", "needs the column file"),
        ("file,name\n0.jpg,x\n", "needs the column file"),
        ("file\n", "names no file"),
        ("file\n../secret.jpg\n", "row 2 lies outside"),
        ("file\n/etc/passwd\n", "row 2 lies outside"),
        ("file\nnone.jpg\n", "row 2 is not there"),
        ("file\n0.jpg\n0.jpg\n", "Rows 2 and 3"),
        ("file,birth_date\n0.jpg,3 Feb 1961\n", "row 2 must read"),
        ("file,case,mrn\n0.jpg,a,A-1\n1.jpg,a,B-2\n", "Row 3 of the mapping contradicts"),
        (
            "file,mrn,sex\n0.jpg,A-1,female\n1.jpg,A-1,male\n",
            "Row 3 of the mapping gives its patient another sex",
        ),
        ("file,mrn\n0.jpg,A,B\n", "another number of cells"),
    ],
)
def test_wrong_mapping_is_told_before_anything_is_sent(command, folder, bridge, text, sentence):
    tmp_path = folder.parent
    (tmp_path / "m.csv").write_text(text)
    (tmp_path / "secret.jpg").write_bytes(draw_jpeg(9))
    status, _, told = command("submit", folder, "--mapping", tmp_path / "m.csv")
    assert status == 2
    assert sentence in told
    assert bridge.posts == []


def test_stopped_run_goes_on(command, folder, bridge):
    def stop():
        raise KeyboardInterrupt

    bridge.faults = [LOST, None, stop]
    status, _, told = command("submit", folder, *AGREED, "--parallel", 1)
    assert (status, told.splitlines()[-1]) == (130, "Stopped. Run the same command again to go on.")
    # The one beside it may have been under way.
    assert Submission.objects.count() in (1, 2)
    assert command("submit", folder, *AGREED)[0] == 0
    assert Submission.objects.count() == 3


def test_stop_between_two_cases_ends_the_pauses_of_others(command, folder, bridge, monkeypatch):
    read = ImageFile.read

    def fail_at_the_first(path, **kind):
        if path.name != "0.jpg":
            return read(path, **kind)
        while not bridge.posts:
            time.sleep(0.01)
        raise OSError

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile, "read", fail_at_the_first)
    monkeypatch.setattr(submitting, "explain", stop)
    bridge.faults = [problem(429, "throttled", after="20")] * 9
    began = time.monotonic()
    assert command("submit", folder, *AGREED)[0] == 130
    assert time.monotonic() - began < 15


def test_status_says_what_kind_of_trouble(command, folder, bridge, side):
    assert command("show", "0198c0de-0000-7000-8000-000000000001")[0] == 1
    assert command("submit", folder, *AGREED, person=side.own.administrator)[0] == 1
    assert command("submit", folder / "none")[0] == 2
    bridge.faults = [problem(401, "authentication_failed")] * 9
    assert command("submit", folder, *AGREED)[0] == 3
    bridge.faults = [UNREACHABLE] * 9
    assert command("--patience", "0", "submit", folder)[0] == 4
    bridge.faults = [httpx.Response(503)] * 9
    assert command("--patience", "0", "submit", folder)[0] == 4


def test_case_is_read_signed_and_reported(command, folder, side, tmp_path):
    dermatologist = side.own.dermatologist
    (case,) = command("submit", folder, *AGREED, "--together")[1].split()
    run_queued(budget_seconds=5)
    assert command("report", case)[0] == 1
    shown = json.loads(command("show", case, person=dermatologist)[1])
    (tmp_path / "comment.txt").write_text("Watch it.")
    decision = (
        "--diagnosis",
        "naevus",
        "--management",
        "follow_up",
        "--comment-file",
        tmp_path / "comment.txt",
    )
    stale = command("sign", case, *decision, "--if-match", '"stale"', person=dermatologist)
    assert (stale[0], stale[2].split(":")[0]) == (1, "412 changed_meanwhile")
    # Scripts of before give it still, whatever it says.
    asked = ("sign", case, *decision, "--agreement", "a word of before", "--if-match", shown["etag"])
    code, _, told = command(*asked, person=dermatologist)
    assert (code, "--agreement is not used any more" in told) == (0, True)
    report = json.loads(command("report", case)[1])
    assert (report["diagnosis"], report["comment"]) == ("naevus", "Watch it.")
    assert json.loads(command("report", case, "--fhir")[1])["status"] == "final"
    image = shown["images"][0]["id"]
    assert command("image", image, "--output", tmp_path / "a.jpg")[0] == 0
    assert (tmp_path / "a.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert command("pdf", case, "--output", tmp_path / "a.pdf")[0] == 0
    assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-"
    assert command("dicom", image, "--output", tmp_path / "a.dcm", person=dermatologist)[0] == 0
    assert command("dicom", image, "--output", tmp_path / "b.dcm")[0] == 3
    assert not (tmp_path / "b.dcm").exists()
    lesion = shown["lesion"]["id"]
    dates = ("--taken", "2026-03-02", "--reported", "2026-03-09")
    assert command("outcome", lesion, "--diagnosis", "naevus", "--procedure", "biopsy", *dates)[0] == 0
    assert json.loads(command("whoami")[1])["memberships"][0]["role"] == "integration"


def test_withdrawn_case_has_no_result(command, folder):
    (case, *_) = command("submit", folder, *AGREED)[1].split()
    assert json.loads(command("cancel", case)[1]) == {"state": "cancelled"}
    assert command("wait", case, "--quiet")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["results", "--since", "yesterday"], "--since: expected a day or a moment"),
        (["submit", "x", "--parallel", "9"], "--parallel: expected 1 to 8"),
        (["--patience", "nan", "whoami"], "--patience: expected a number of seconds"),
    ],
)
def test_argument_that_cannot_be_read_says_what_is_expected(command, capsys, arguments, words):
    with pytest.raises(SystemExit) as ended:
        command(*arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_file_that_cannot_be_written_is_named(command, folder):
    (case, *_) = command("submit", folder, *AGREED)[1].split()
    status, _, told = command("results", case, "--output", folder / "none" / "x.json")
    assert status == 2
    assert "none" in told


def test_token_is_no_argument():
    done = subprocess.run(
        [sys.executable, "-m", "classifier.client", "--help"], capture_output=True, text=True, check=True
    )
    assert "--token-file" in done.stdout
    assert "--token " not in done.stdout
