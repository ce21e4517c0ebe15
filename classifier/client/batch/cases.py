"""Files that make a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classifier.client.errors import ConfigurationError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".dcm"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """Images of one lesion, and what is known of it: names as the API's, and `mrn`."""

    files: tuple[Path, ...]
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {more} more" if more else "")


def find_cases(paths: Iterable[Path], facts: Mapping[str, str], *, together: bool = False) -> list[Case]:
    """A case for each file, and for each image below each folder, in name order; or one of all
    `together`. Raise ConfigurationError.
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
    if together:
        return [Case(files=tuple(files), facts=facts)]
    return [Case(files=(file,), facts=facts) for file in files]
