"""Records as JSON, JSON lines or CSV."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from classifier.client.records import Image, PossibleDiagnosesRecord, SubmissionRecord

# --- CSV injection ------------------------------------------------------------------------------
# The same rules as `classifier.domain.csv_cells`, which this client can't import; a test holds the two
# together.


BOM = "\ufeff"
FORMULA_SIGNS = frozenset("=+-@")
# A program set to another separator cuts a cell in two there, and the rest may start a formula.
SEPARATORS = re.compile(r"([;,|\t\r\n]+)")
# What a spreadsheet strips or skips before it decides whether a cell is a formula.
SKIPPED = frozenset("\"'`\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb")
FULL_MINUS = "\u2212"


def write_csv(stream: TextIO, rows: Iterable[Iterable[object]]) -> None:
    stream.write(BOM)
    csv.writer(stream).writerows([neutralise(cell) for cell in row] for row in rows)


def neutralise(cell: object) -> str:
    """Text of a cell with an apostrophe before whatever a spreadsheet would take for a formula."""
    if cell is None:
        return ""
    if isinstance(cell, bool | int | float):
        return str(cell)
    parts = SEPARATORS.split(str(cell).replace("\x00", ""))
    parts[::2] = [f"'{part}" if starts_formula(part) else part for part in parts[::2]]
    safe = "".join(parts)
    return f"'{safe}" if safe[:1] in ("\t", "\r", "\n") else safe


def starts_formula(text: str) -> bool:
    """Whether the first character that counts is a formula's, also in its full-width form."""
    for character in text:
        if character in SKIPPED or character.isspace() or unicodedata.category(character) in ("Cf", "Cc"):
            continue
        return unicodedata.normalize("NFKC", character)[:1] in FORMULA_SIGNS or character == FULL_MINUS
    return False


def format_moment(moment: dt.datetime | None) -> str | None:
    """UTC to the second, as "2026-03-03T09:15:00Z", so that text sorts as time."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None


FORMATS = ("json", "jsonl", "csv")
COLUMNS = (
    *("submission_id", "submitted_at", "state", "preliminary", "withheld", "patient_id", "lesion_id"),
    *("body_site", "laterality", "priority", "image_id", "file", "sha256", "prediction", "outcome"),
    *("calibrated_probability", "model", "threshold_policy", "refusals", "error_code"),
    *("diagnosis", "agreement", "management", "signed_by", "signed_at", "amended"),
    *("standing", "standing_basis", "standing_diagnosis", "standing_by", "standing_at"),
    *("order", "order_due_at", "acknowledged_at", "capture_kind", "dermoscopic_type", "is_judged"),
    *("referral", "predictive_value", "predictive_low", "predictive_high", "prevalence"),
    *("model_diagnoses", "model_diagnosis_stands_out"),
)


def write_submissions(
    stream: TextIO, rows: Iterable[SubmissionRecord], kind: str, *, with_mrn: bool = False
) -> None:
    """`csv` has a row for each image; the record number stands in it where it is asked for."""
    if kind == "csv":
        more = ("mrn",) if with_mrn else ()
        head: tuple[object, ...] = (*COLUMNS, *more)
        lines = (
            (*cells(row, image), *((row.patient.mrn,) if more else ()))
            for row in rows
            for image in row.images
        )
        write_csv(stream, chain([head], lines))
    elif kind == "jsonl":
        stream.writelines(json.dumps(to_json_value(row), ensure_ascii=False) + "\n" for row in rows)
    else:
        write_json(stream, list(rows))


def cells(row: SubmissionRecord, image: Image) -> tuple[object, ...]:
    """One image of a case, in the order of COLUMNS."""
    prediction, review = image.prediction, row.review
    policy = prediction.threshold_policy if prediction else None
    worth = prediction.predictive_value if prediction else None
    return (
        *(row.id, format_moment(row.submitted_at), row.state, row.preliminary, row.is_withheld),
        *(row.patient.public_id, row.lesion.id, row.lesion.body_site, row.lesion.laterality, row.priority),
        *(image.id, image.original_name, image.sha256),
        prediction.state if prediction else None,
        prediction.outcome if prediction else None,
        prediction.calibrated_probability if prediction else None,
        f"{prediction.model_version.name} {prediction.model_version.version}" if prediction else None,
        policy.version if policy else None,
        " ".join(one.code for one in prediction.refusals) if prediction else None,
        prediction.error_code if prediction else None,
        *((review.diagnosis, review.agreement, review.management) if review else (None,) * 3),
        *((review.signed_by.name, format_moment(review.signed_at)) if review else (None,) * 2),
        review.amends is not None if review else None,
        *describe_standing(row),
        *(image.capture_kind, image.dermoscopic_type, prediction.is_judged if prediction else None),
        prediction.referral.code if prediction and prediction.referral else None,
        *((worth.value, worth.low, worth.high, worth.prevalence) if worth else (None,) * 4),
        *list_diagnoses(prediction.diagnoses if prediction else None),
    )


def list_diagnoses(found: PossibleDiagnosesRecord | None) -> tuple[object, object]:
    """Two cells: `mel=0.6120 nv=0.3011 …`, the most probable first, and whether the first stands out."""
    if found is None:
        return None, None
    said = (f"{one.code or one.name.replace(' ', '_')}={one.probability:.4f}" for one in found.diagnoses)
    return " ".join(said), found.stands_out


def describe_standing(row: SubmissionRecord) -> tuple[object, ...]:
    """What the case is held for, and what is ordered: the columns from `standing` to `acknowledged_at`."""
    standing, order = row.standing, row.order
    done = order.acknowledgement if order else None
    return (
        *(standing.value, standing.basis, standing.diagnosis),
        standing.said_by.name if standing.said_by else None,
        format_moment(standing.at),
        order.management if order else None,
        format_moment(order.due_at) if order else None,
        format_moment(done.acknowledged_at) if done else None,
    )


def write_json(stream: TextIO, value: Any) -> None:
    json.dump(to_json_value(value), stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def to_json_value(value: Any) -> Any:
    """What JSON can say, of a record and all within it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json_value(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: to_json_value(one) for name, one in value.items()}
    return [to_json_value(one) for one in value] if isinstance(value, list | tuple) else value


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that only its owner reads and that is there whole or not at all."""
    if path is None:
        yield sys.stdout
        return
    with open_new(path) as number, os.fdopen(number, "w", encoding="utf-8", newline="") as stream:
        yield stream


def write_bytes(path: Path, data: bytes) -> None:
    with open_new(path) as number, os.fdopen(number, "wb") as stream:
        stream.write(data)


@contextlib.contextmanager
def open_new(path: Path) -> Iterator[int]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
