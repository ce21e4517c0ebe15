"""Key rotation: bring files and sealed secrets under the first key. Rows: `rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.apps import apps
from django.db import models

from portal.trust.encryption.storage import EncryptedStorageMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Resealer = Callable[[], int]

log = structlog.get_logger(__name__)

RESEALERS: dict[str, Resealer] = {}
"""What is sealed, in words, and what seals it anew and says how many rows that were."""


def resealer(words: str) -> Callable[[Resealer], Resealer]:
    """Have `rotate_encryption` call this. It may be stopped at any row and begun again."""

    def register(function: Resealer) -> Resealer:
        RESEALERS[words] = function
        return function

    return register


def encrypt_files(*, to_plain: bool = False) -> Iterator[tuple[str, int, int]]:
    """Encrypt anew what is not under the first key; yield column, files looked at, files written.

    Each file is replaced whole, so a stop in the middle leaves the old one or the new one.
    """
    for model in apps.get_models():
        for field in model._meta.concrete_fields:  # noqa: SLF001
            if isinstance(field, models.FileField) and isinstance(field.storage, EncryptedStorageMixin):
                name = f"{model._meta.verbose_name_plural}, {field.name}"  # noqa: SLF001
                yield name, *_encrypt_column(model, field, to_plain=to_plain)


def _encrypt_column(model: type[models.Model], field: models.FileField, *, to_plain: bool) -> tuple[int, int]:
    storage: Any = field.storage
    looked_at = written = 0
    rows: models.QuerySet[Any] = models.QuerySet(model).exclude(**{field.name: ""}).order_by("pk")
    for name in rows.values_list(field.name, flat=True).iterator():
        looked_at += 1
        try:
            if to_plain:
                storage.write_plain(name)
            elif storage.is_current(name):
                continue
            else:
                storage.encrypt_anew(name)
        except FileNotFoundError:
            log.warning("stored_file_missing", name=name)
        else:
            written += 1
    return looked_at, written
