from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose every field is known: a slip in a name is told, never taken for nothing."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            words = f"Can be: {', '.join(self.fields)}."
            raise serializers.ValidationError(
                {str(name)[:60]: [words] for name in sorted(unknown, key=str)}, code="unknown_field"
            )
        return super().to_internal_value(data)
