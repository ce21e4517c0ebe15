"""A resource that somebody sent: looked at part by part, so that every fault is told with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from classifier.fhir.errors import Issue

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What JSON can hold and no column can."""
TYPE_NAMES = {bool: "true or false", str: "a string", dict: "an object", list: "a list"}


@dataclass
class Element:
    """One element, and where it stands; what is wrong goes into `issues`, which all parts share."""

    value: JSON
    at: str
    issues: list[Issue] = field(default_factory=list)

    def refuse(self, code: str, text: str, *, name: str = "", kind: str = "value") -> None:
        self.issues.append(Issue(code, text, self.place(name), kind))

    def place(self, name: str = "") -> str:
        return f"{self.at}.{name}" if name else self.at

    def text(self, name: str, *, needed: str = "") -> str:
        """The string under `name`, or none; `needed` says what is missing where it must be there."""
        found: str = self._take(name, str, "").strip()
        if UNSTORABLE.search(found):
            # As the REST API names them.
            what, code = (
                ("NUL", "null") if "\0" in found else ("half a character (a lone surrogate)", "surrogate")
            )
            self.refuse(f"{code}_characters_not_allowed", f"The text holds {what}. Leave it out.", name=name)
            return ""
        if needed and not found:
            self.refuse("required", needed, name=name, kind="required")
        return found

    def truth(self, name: str) -> bool | None:
        """The boolean under `name`; None where there is none."""
        found: bool | None = self._take(name, bool, None) if name in self.value else None
        return found

    def child(self, name: str) -> Self:
        return self._at(self._take(name, dict, {}), name)

    def children(self, name: str) -> list[Self]:
        found = []
        for index, value in enumerate(self._take(name, list, [])):
            if isinstance(value, dict):
                found.append(self._at(value, f"{name}[{index}]"))
            else:
                self.refuse("wrong_type", "An object is expected.", name=f"{name}[{index}]", kind="structure")
        return found

    def _at(self, value: JSON, name: str) -> Self:
        return type(self)(value, self.place(name), self.issues)

    def _take(self, name: str, expected: type, default: Any) -> Any:
        value = self.value.get(name, default)
        if isinstance(value, expected):
            return value
        self.refuse("wrong_type", f"Expected {TYPE_NAMES[expected]}.", name=name, kind="structure")
        return default
