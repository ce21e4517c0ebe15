"""Journal: what a run has sent, so that another one goes on where it stopped.

Lines of JSON, added and never changed: a case's key before it is sent, and the submission's id after.
Nothing else stands there than keys, SHA-256 of files, ids and codes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import IO, Any, Self

from classifier.client.connection import make_key
from classifier.client.errors import ConfigurationError

VERSION = 1
Digest = tuple[str, ...]


@dataclass(frozen=True)
class JournalEntry:
    """A case that was begun; without `submission` its answer never came."""

    key: str
    begun_at: float
    submission: str = ""


class Journal:
    """Of one portal, held by one process at a time. Use `with`."""

    def __init__(self, path: Path, site: str, *, clock: Callable[[], float] = time.time) -> None:
        self.path, self._site, self.clock = path, site, clock
        self._entries: dict[Digest, JournalEntry] = {}
        self._digests: dict[str, Digest] = {}
        self._lock = Lock()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"The journal {self.path} can't be written ({error.strerror}). Name another: --journal."
            ) from None
        self._file = os.fdopen(number, "ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load(self._file)
        except BlockingIOError:
            self._close()
            raise ConfigurationError(f"Another run uses the journal {self.path}.") from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def find(self, digest: Digest) -> JournalEntry | None:
        with self._lock:
            return self._entries.get(digest)

    def submissions(self) -> list[str]:
        """In the order in which they were begun."""
        with self._lock:
            return [entry.submission for entry in self._entries.values() if entry.submission]

    def begin(self, digest: Digest) -> JournalEntry:
        entry = JournalEntry(make_key(), self.clock())
        self._add({"files": list(digest), "key": entry.key, "at": round(entry.begun_at)})
        return entry

    def finish(self, entry: JournalEntry, submission: str) -> None:
        self._add({"key": entry.key, "submission": submission})

    def give_up(self, entry: JournalEntry, code: str) -> None:
        """The server refused and did nothing: the case may come again as another."""
        self._add({"key": entry.key, "refused": code})

    def _add(self, line: Mapping[str, Any]) -> None:
        with self._lock:
            self._write(line)
            self._apply(line)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            raise ValueError("expected an open journal")
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        # On the disk before the case is sent: a key that is forgotten would send it twice.
        os.fsync(self._file.fileno())

    def _apply(self, line: Mapping[str, Any]) -> None:
        if "files" in line:
            begun = tuple(str(one) for one in line["files"])
            self._entries[begun] = JournalEntry(str(line["key"]), float(line["at"]))
            self._digests[str(line["key"])] = begun
            return
        key = str(line["key"])
        digest = self._digests.get(key, ())
        entry = self._entries.get(digest)
        if entry is None or entry.key != key:
            return
        if "submission" in line:
            self._entries[digest] = replace(entry, submission=str(line["submission"]))
        else:
            del self._entries[digest]

    def _load(self, file: IO[bytes]) -> None:
        file.seek(0)
        lines = file.read().split(b"\n")
        torn = lines.pop()
        if not lines and torn and not torn.startswith(b'{"journal"'):
            raise self._foreign()
        if not lines:
            file.truncate(0)
            self._write({"journal": VERSION, "site": self._site})
            return
        try:
            head, *rest = (json.loads(line) for line in lines)
            if (head["journal"], head["site"]) != (VERSION, self._site):
                raise ConfigurationError(f"The journal {self.path} is of another portal. Name another.")
            for line in rest:
                self._apply(line)
        except (ValueError, KeyError, TypeError):
            raise self._foreign() from None
        if torn:
            # The last line was cut off in the middle: nothing was sent on its account.
            file.truncate(sum(len(line) + 1 for line in lines))

    def _foreign(self) -> ConfigurationError:
        return ConfigurationError(f"{self.path} is not a journal of this command.")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
