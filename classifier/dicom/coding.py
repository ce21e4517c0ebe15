"""Coded concepts as DICOM writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from pydicom.sr.coding import Code


def make_codes(*found: Code) -> list[Dataset]:
    """A sequence of coded concepts: value, scheme and the standard's own meaning of each."""
    items = []
    for code in found:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = (
            code.value,
            code.scheme_designator,
            code.meaning,
        )
        items.append(item)
    return items
