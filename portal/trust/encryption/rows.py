"""Key rotation of rows: bring them under the first key batch by batch; what is done is not done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, models
from django.db.models import ExpressionWrapper, F, Q

from portal.trust.common.bypass import bypass_immutability
from portal.trust.encryption.fields import BlindIndexField, EncryptedMixin
from portal.trust.encryption.texts import current_prefix, make_index

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 500


def encrypted_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if list_fields(model)]


def list_fields(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedMixin)]  # noqa: SLF001


def encrypt_rows(model: type[models.Model], *, batch: int = BATCH) -> Iterator[int]:
    """Encrypt under the first key what is plain or under another; yield how many rows, by batch.

    Each batch is a transaction of its own that locks its rows: stopped and begun again, it goes on
    where it was. Raises DecryptionError where the old key is missing in the settings.
    """
    fields = list_fields(model)
    indexes = [f for f in model._meta.concrete_fields if isinstance(f, BlindIndexField)]  # noqa: SLF001
    names = [field.name for field in (*fields, *indexes)]
    while True:
        with bypass_immutability("encryption"):
            rows = list(select_stale(model).order_by("pk").select_for_update()[:batch])
            for row in rows:
                for index in indexes:
                    setattr(row, index.attname, make_index(getattr(row, index.source)))
            # The plain manager: a model's own may refuse every change.
            models.QuerySet(model).bulk_update(rows, names)
        if not rows:
            return
        yield len(rows)


def select_stale(model: type[models.Model]) -> models.QuerySet[Any]:
    """Rows with a text that is not under the first key."""
    condition = Q(pk__in=[])
    stored = {}
    for field in list_fields(model):
        name = f"stored_{field.name}"
        stored[name] = ExpressionWrapper(F(field.name), output_field=models.TextField())
        is_given = Q(**{f"{name}__isnull": False}) & ~Q(**{name: ""})
        condition |= is_given & ~Q(**{f"{name}__startswith": current_prefix()})
    rows: models.QuerySet[Any] = models.QuerySet(model)
    found: models.QuerySet[Any] = rows.alias(**stored).filter(condition)
    return found


def decrypt_rows(model: type[models.Model]) -> None:
    """Store every text plain again: the way back of a migration."""
    meta: Any = model._meta  # noqa: SLF001
    fields = list_fields(model)
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    statement = (
        f"UPDATE {connection.ops.quote_name(meta.db_table)} SET {columns} "  # noqa: S608 (names of ours)
        f"WHERE {connection.ops.quote_name(meta.pk.column)} = %s"
    )
    rows: models.QuerySet[Any, Any] = models.QuerySet(model).values_list(
        "pk", *(field.name for field in fields)
    )
    with bypass_immutability("encryption"), connection.cursor() as cursor:
        for key, *texts in list(rows):
            plain = [
                None if text is None else field.to_stored(text)
                for field, text in zip(fields, texts, strict=True)
            ]
            cursor.execute(statement, [*plain, meta.pk.get_db_prep_value(key, connection)])
