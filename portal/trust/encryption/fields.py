"""Encrypted fields: text in Python and ciphertext in the database."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Lookup

from portal.trust.encryption.texts import decrypt_text, encrypt_text, list_indexes, make_index

ALLOWED_LOOKUPS = frozenset({"exact", "in", "isnull"})


class EncryptedMixin:
    """What an encrypted column shares: stored as text, found only by `index_field` or by emptiness."""

    def __init__(self, *args: Any, index_field: str = "", **kwargs: Any) -> None:
        self.index_field = index_field
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()  # type: ignore[misc]  # the field's, behind this class
        if self.index_field:
            kwargs["index_field"] = self.index_field
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "TextField"

    @property
    def label(self) -> str:
        """Stands in the ciphertext's seal: a text moved to another column does not open."""
        return f"{self.model._meta.model_name}.{self.name}"  # type: ignore[attr-defined]  # noqa: SLF001  # the field's, behind this class

    def get_lookup(self, name: str) -> Any:
        """Refuse what could only compare ciphertexts, such as icontains, and would find nothing."""
        return super().get_lookup(name) if name in ALLOWED_LOOKUPS else None  # type: ignore[misc]  # the field's, behind this class

    def get_transform(self, name: str) -> Any:  # noqa: ARG002 (Django's)
        """None: neither the year of a ciphertext nor its length says anything."""
        return None

    def to_stored(self, value: Any) -> str:
        return str(value)

    def from_stored(self, text: str) -> Any:
        return text

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return super().get_db_prep_save(value, connection)  # type: ignore[misc]  # the field's, behind this class
        return encrypt_text(self.to_stored(value), label=self.label)

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return value if value is None else self.from_stored(decrypt_text(value, label=self.label))


def list_encrypted(model: type[models.Model]) -> list[str]:
    """Names of the encrypted columns of `model`: what an erasure blanks, and a query of many rows leaves sealed."""
    return [field.name for field in model._meta.get_fields() if isinstance(field, EncryptedMixin)]  # noqa: SLF001


class EncryptedCharField(EncryptedMixin, models.CharField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A line of text. `max_length` is of the text; the column has no limit."""


class EncryptedTextField(EncryptedMixin, models.TextField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A longer text."""


class EncryptedDateField(EncryptedMixin, models.DateField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A day."""

    def to_stored(self, value: Any) -> str:
        day = self.to_python(value)
        return day.isoformat() if day else ""

    def from_stored(self, text: str) -> dt.date | None:
        return dt.date.fromisoformat(text) if text else None


class BlindIndexField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs alone
    """Keyed hash of the field `source` of the same row, written whenever the row is saved."""

    def __init__(self, *args: Any, source: str = "", **kwargs: Any) -> None:
        self.source = source
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("editable", False)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001 (Django's)
        value = make_index(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, value)
        return value


class BlindLookup(Lookup):
    """Compare by the keyed hash beside the column; without one, only with the empty text."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002 (Django's)
        texts = [_require_text(one) for one in (self.rhs if isinstance(self.rhs, list) else [self.rhs])]
        column: Any = self.lhs
        field: Any = column.target if isinstance(column, Col) else column.output_field
        if field.index_field:
            column = Col(column.alias, field.model._meta.get_field(field.index_field))  # noqa: SLF001
            texts = [found for text in texts for found in list_indexes(text)]
        elif any(texts):
            raise FieldError(f"{field.label} is encrypted: it can be compared with the empty text only.")
        sql, params = compiler.compile(column)
        marks = ", ".join(["%s"] * len(texts))
        return f"{sql} IN ({marks})", (*params, *texts)


@EncryptedCharField.register_lookup
@EncryptedDateField.register_lookup
@EncryptedTextField.register_lookup
class BlindExact(BlindLookup):
    lookup_name = "exact"


@EncryptedCharField.register_lookup
@EncryptedDateField.register_lookup
@EncryptedTextField.register_lookup
class BlindIn(BlindLookup):
    lookup_name = "in"


def _require_text(value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError(f"An encrypted column can be compared with text, not with {type(value).__name__}.")
    return value
