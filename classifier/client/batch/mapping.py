"""Mapping: the CSV file that says whose lesion each file shows."""

from __future__ import annotations

import csv
import datetime as dt
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classifier.client.client import Client
from classifier.client.errors import ConfigurationError
from classifier.client.resources.submissions import Submissions

# --- Files that make a case ---------------------------------------------------------------------


ANSWERS = {"yes": True, "no": False}
"""What a patient said of being judged by a model, as mappings and commands write it."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".dcm"})


@dataclass(frozen=True)
class PictureKind:
    """How a picture was taken: codes as the schema lists them."""

    capture_kind: str = "dermoscopic"
    dermoscopic_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Images of one lesion, and what is known of it: names as the API's, and `mrn`."""

    files: tuple[Path, ...]
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    kinds: Mapping[Path, PictureKind] = field(default_factory=dict)
    """Of files that were said to be something else than dermoscopic, or dermoscopic of which type."""

    def kind_of(self, file: Path) -> PictureKind:
        return self.kinds.get(file, PictureKind())

    @property
    def name(self) -> str:
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {more} more" if more else "")


def find_cases(
    paths: Iterable[Path],
    facts: Mapping[str, str],
    *,
    together: bool = False,
    kinds: Mapping[str, PictureKind] | None = None,
) -> list[Case]:
    """A case for each file, and for each image below each folder, in name order; or one of all
    `together`. `kinds` by the name of a file; that under "" is of all others. Raise ConfigurationError.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        elif path.is_file():
            files.append(path)
        else:
            raise ConfigurationError(f"There is no file or folder {path}.")
    if not files:
        raise ConfigurationError("There is no image to send (JPEG, PNG, WebP, TIFF, HEIC, DICOM).")
    known = _find_kinds(files, kinds or {})
    if together:
        return [Case(files=tuple(files), facts=facts, kinds=known)]
    return [
        Case(files=(file,), facts=facts, kinds={file: known[file]} if file in known else {}) for file in files
    ]


def _find_kinds(files: list[Path], kinds: Mapping[str, PictureKind]) -> dict[Path, PictureKind]:
    names = {file.name for file in files}
    for name in kinds:
        if name and name not in names:
            raise ConfigurationError(f"--kind names {name}, which is none of the files.")
    found = {file: kinds.get(file.name) or kinds.get("") for file in files}
    return {file: kind for file, kind in found.items() if kind is not None}


FILE, CASE = "file", "case"
KIND, TYPE = "capture_kind", "dermoscopic_type"
CONSENT = "consents_to_inference"
FACTS = tuple(
    name.removeprefix("patient_")
    for name in inspect.signature(Submissions.create).parameters
    if name not in {"self", "images", "key"}
)
"""Columns that a mapping may have: what `Submissions.create` takes of a case, and `mrn` for `patient_mrn`."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
"""Python reads 20260131 and 2026-W05-6 as days, too: the first may be a number in a wrong column."""
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
        kind = PictureKind(row.pop(KIND, "") or PictureKind.capture_kind, row.pop(TYPE, ""))
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
    except UnicodeDecodeError:
        raise ConfigurationError(
            "The mapping isn't UTF-8. Save it from the spreadsheet as “CSV UTF-8” and send it again."
        ) from None
    except (OSError, csv.Error) as error:
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
        read_day(text or "2000-01-01")
    except ValueError:
        raise ConfigurationError(f"The birth date of row {number} must read YYYY-MM-DD.") from None


def read_day(text: str) -> dt.date:
    """The day that `text` writes as YYYY-MM-DD, as the API takes it. Raise ValueError."""
    if not DAY.fullmatch(text):
        raise ValueError("expected a day as YYYY-MM-DD")
    return dt.date.fromisoformat(text)


# --- Lost answers -------------------------------------------------------------------------------
# Whether the portal has a case whose answer was lost long ago.


MARGIN = dt.timedelta(minutes=15)
"""By which the two clocks may differ."""
KEPT = dt.timedelta(hours=25)


def is_recognisable(data: bytes) -> bool:
    """A DICOM file is kept without what names a person, so its SHA-256 there is another."""
    return data[128:132] != b"DICM"


def find_submitted(client: Client, digest: tuple[str, ...], begun_at: float) -> str | None:
    """The case with exactly these files, submitted while the key of the first try was kept."""
    begun = dt.datetime.fromtimestamp(begun_at, dt.UTC)
    rows = client.submissions.list(submitted_from=begun - MARGIN, submitted_before=begun + KEPT)
    wanted = sorted(digest)
    return next((row.id for row in rows if sorted(image.sha256 for image in row.images) == wanted), None)
