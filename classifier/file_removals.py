"""File removal: stored files go after the commit that gave them up; what fails is tried again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import F
from django.utils import timezone

from classifier.claims.wake_ups import REMOVE_FILES, wake_on_commit
from classifier.domain.vocabulary import FileStore
from classifier.models import FileRemoval, SubmissionImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.files.storage import Storage

    from classifier.models import Explanation

log = structlog.get_logger(__name__)

LONGEST_PAUSE = dt.timedelta(hours=6)
COLUMNS = {FileStore.SEALED: "original", FileStore.DERIVED: "derivative"}


def queue_removals(files: Iterable[tuple[FileStore, str, dt.datetime]]) -> int:
    """Note files with the moment from which they may go, in the caller's transaction."""
    rows = [FileRemoval(store=store, name=name, not_before=moment) for store, name, moment in files if name]
    FileRemoval.objects.bulk_create(rows)
    wake_on_commit(REMOVE_FILES)
    return len(rows)


def remove_files() -> int:
    """Remove every file that is due; return how many are gone.

    A file that is gone already counts as gone, so two who do this at once do no harm.
    """
    gone = 0
    for row in FileRemoval.objects.filter(not_before__lte=timezone.now()).order_by("pk").iterator():
        try:
            _store_of(row).delete(row.name)
        except Exception as error:  # noqa: BLE001 (every kind of storage has errors of its own)
            pause = min(dt.timedelta(minutes=2) * 2 ** min(row.attempts, 20), LONGEST_PAUSE)
            FileRemoval.objects.filter(pk=row.pk).update(
                attempts=F("attempts") + 1, not_before=timezone.now() + pause
            )
            log.warning("file_not_removed", attempts=row.attempts + 1, reason=type(error).__name__)
        else:
            row.delete()
            gone += 1
    return gone


def _store_of(row: FileRemoval) -> Storage:
    field: Any = SubmissionImage._meta.get_field(COLUMNS[FileStore(row.store)])  # noqa: SLF001
    storage: Storage = field.storage
    return storage


def overlay_name(explanation: Explanation, attempt: int) -> str:
    """Where the overlay of one try lies. Each try has its own: a late one overwrites nothing."""
    key = explanation.pk.hex
    return f"{key[:2]}/{key}-{attempt}.overlay"
