"""Files that make a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classifier.client.errors import ConfigurationError

ANSWERS = {"yes": True, "no": False}
"""What a patient said of being judged by a model, as mappings and commands write it."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".dcm"})


@dataclass(frozen=True)
class Kind:
    """How a picture was taken: codes as the schema lists them."""

    capture_kind: str = "dermoscopic"
    dermoscopic_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Images of one lesion, and what is known of it: names as the API's, and `mrn`."""

    files: tuple[Path, ...]
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    kinds: Mapping[Path, Kind] = field(default_factory=dict)
    """Of files that were said to be something else than dermoscopic, or dermoscopic of which type."""

    def kind_of(self, file: Path) -> Kind:
        return self.kinds.get(file, Kind())

    @property
    def name(self) -> str:
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {more} more" if more else "")


def find_cases(
    paths: Iterable[Path],
    facts: Mapping[str, str],
    *,
    together: bool = False,
    kinds: Mapping[str, Kind] | None = None,
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


def _find_kinds(files: list[Path], kinds: Mapping[str, Kind]) -> dict[Path, Kind]:
    names = {file.name for file in files}
    for name in kinds:
        if name and name not in names:
            raise ConfigurationError(f"--kind names {name}, which is none of the files.")
    found = {file: kinds.get(file.name) or kinds.get("") for file in files}
    return {file: kind for file, kind in found.items() if kind is not None}
