"""Length limits, told as a sentence instead of a database error."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from classifier.services.errors import InvalidInputError

if TYPE_CHECKING:
    from django.db import models


def check_length(model: type[models.Model], name: str, text: str, *, what: str) -> None:
    """Raise InvalidInputError "<name>_too_long" when `text` outgrows the field `name`."""
    limit = cast("models.CharField[str, str]", model._meta.get_field(name)).max_length  # noqa: SLF001
    if limit is not None and len(text) > limit:
        raise InvalidInputError(
            f"{name}_too_long",
            f"{what} has {len(text):,} characters; the limit is {limit:,}.",
            field=name,
        )
