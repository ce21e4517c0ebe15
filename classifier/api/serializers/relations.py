from __future__ import annotations

from typing import Any

from rest_framework import serializers


class VisibleRelation(serializers.PrimaryKeyRelatedField[Any]):
    """A row named by its id: of those that the caller may see, and none without a caller."""

    def __init__(self, *, related: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(pk_field=serializers.UUIDField(), **kwargs)
        self.related = related

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        request = self.context.get("request")
        if request is None:
            return rows
        return rows.model.objects.visible_to(request.user).select_related(*self.related)
