"""The CSV file that says whose lesion each file shows."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from classifier.client.batch.cases import ANSWERS, Case, Kind
from classifier.client.errors import ConfigurationError

FILE, CASE = "file", "case"
KIND, TYPE = "capture_kind", "dermoscopic_type"
CONSENT = "consents_to_inference"
FACTS = (
    *("mrn", "birth_date", "sex", "skin_type", "patient", "lesion", "body_site", "laterality"),
    *("note", "clinical_question", "clinical_history", "priority", "clinic", CONSENT),
)
PERSON = ("birth_date", "sex", "skin_type", CONSENT)


def read_mapping(path: Path, folder: Path) -> list[Case]:
    """The cases that `path` names, in its order; files are relative to `folder` and stay within it.

    Rows with the same `case` are images of one lesion. Raise ConfigurationError, which names rows and
    columns and no value.
    """
    cases: dict[str | int, Case] = {}
    seen: dict[Path, int] = {}
    for number, row in share_people(read_rows(path)):
        file = find_file(folder, row.pop(FILE, ""), number)
        if file in seen:
            raise ConfigurationError(f"Rows {seen[file]} and {number} of the mapping name the same file.")
        seen[file] = number
        # A row without one is a case by itself, whatever others are called.
        group = row.pop(CASE, "") or number
        # A locating, a close-up and a dermoscopic picture of one lesion are one case.
        kind = Kind(row.pop(KIND, "") or Kind.capture_kind, row.pop(TYPE, ""))
        check_consent(row.get(CONSENT, ""), number)
        check_birth_date(row.get("birth_date", ""), number)
        known = cases.get(group)
        if known is not None and known.facts != row:
            raise ConfigurationError(f"Row {number} of the mapping contradicts an earlier row of its case.")
        cases[group] = Case(
            files=(*(known.files if known else ()), file),
            facts=row,
            kinds={**(known.kinds if known else {}), file: kind},
        )
    if not cases:
        raise ConfigurationError("The mapping names no file.")
    return list(cases.values())


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows with their numbers as a spreadsheet shows them; empty cells are left out."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            check_columns(reader.fieldnames)
            return [(number, clean_row(row, number)) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"The mapping can't be read ({type(error).__name__}).") from None


def share_people(rows: list[tuple[int, dict[str, str]]]) -> list[tuple[int, dict[str, str]]]:
    """Each row with all that any row says of its patient: whichever comes first makes the patient."""
    people: dict[tuple[str, str], dict[str, str]] = {}
    for number, row in rows:
        if "mrn" not in row:
            continue
        known = people.setdefault((row.get("clinic", ""), row["mrn"]), {})
        for name in PERSON:
            if row.get(name) and known.setdefault(name, row[name]) != row[name]:
                raise ConfigurationError(f"Row {number} of the mapping gives its patient another {name}.")
    return [
        (number, {**people.get((row.get("clinic", ""), row.get("mrn", "")), {}), **row})
        for number, row in rows
    ]


def check_columns(names: object) -> None:
    columns = set(names) if isinstance(names, list) else set()
    if FILE not in columns or columns - {FILE, CASE, KIND, TYPE, *FACTS}:
        raise ConfigurationError(
            f"The mapping needs the column {FILE} and may have {', '.join((CASE, KIND, TYPE, *FACTS))}."
        )


def clean_row(row: Mapping[str | None, str | list[str] | None], number: int) -> dict[str, str]:
    if None in row or None in row.values():
        raise ConfigurationError(f"Row {number} of the mapping has another number of cells than its head.")
    return {str(name): str(value).strip() for name, value in row.items() if str(value).strip()}


def find_file(folder: Path, name: str, number: int) -> Path:
    if not name:
        raise ConfigurationError(f"Row {number} of the mapping names no file.")
    home = folder.resolve()
    file = (home / name).resolve()
    # A mapping may come from somebody else: it sends nothing but what lies in the folder.
    if not file.is_relative_to(home):
        raise ConfigurationError(f"The file of row {number} lies outside the folder.")
    if not file.is_file():
        raise ConfigurationError(f"The file of row {number} is not there.")
    return file


def check_consent(text: str, number: int) -> None:
    if text not in ("", *ANSWERS):
        raise ConfigurationError(f"{CONSENT} of row {number} must read {' or '.join(ANSWERS)}.")


def check_birth_date(text: str, number: int) -> None:
    try:
        dt.date.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise ConfigurationError(f"The birth date of row {number} must read YYYY-MM-DD.") from None
