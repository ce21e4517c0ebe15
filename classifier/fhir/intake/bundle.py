"""Bundle: the entries of a transaction, or a ServiceRequest with what it contains, as one order."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from classifier.domain.limits import UploadLimits
from classifier.fhir.errors import FhirError, Issue
from classifier.fhir.intake.elements import Element

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON

TAKEN = ("Patient", "BodyStructure", "ServiceRequest", "Media", "Binary")


@dataclass(frozen=True)
class BundleEntry:
    """One resource of the order, and the name by which the others refer to it."""

    kind: str
    name: str
    element: Element
    condition: str = ""
    """What a conditional create looks for."""


@dataclass(frozen=True)
class OrderBundle:
    entries: list[BundleEntry]
    issues: list[Issue]
    base: str

    def of(self, kind: str) -> list[BundleEntry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def resolve(self, reference: str) -> BundleEntry | None:
        """The entry that a reference names, if it is one of the order's."""
        return next((entry for entry in self.entries if entry.name and entry.name == reference), None)

    def read_id(self, reference: str, kind: str) -> uuid.UUID | None:
        """The id in a reference to a resource of this server, such as `Patient/<id>`."""
        found, _, key = reference.removeprefix(f"{self.base}/").partition("/")
        try:
            return uuid.UUID(key) if found == kind else None
        except ValueError:
            return None

    def stop_if_wrong(self) -> None:
        if self.issues:
            raise FhirError(422, *self.issues)


def open_bundle(sent: Any, *, base: str) -> OrderBundle:
    """The entries of a transaction Bundle. Raises FhirError where it is none."""
    bundle = Element(_check_type(sent, "Bundle"), "Bundle")
    if bundle.text("type") != "transaction":
        issue = Issue(
            "not_a_transaction", "Send a Bundle of the type transaction.", "Bundle.type", "not-supported"
        )
        raise FhirError(422, issue)
    sent_entries = bundle.children("entry")
    _check_number(len(sent_entries))
    entries = [entry for entry in map(_open_entry, sent_entries) if entry]
    return OrderBundle(entries, bundle.issues, base)


def _open_entry(entry: Element) -> BundleEntry | None:
    resource, request = entry.child("resource"), entry.child("request")
    kind = resource.text("resourceType")
    if kind not in TAKEN:
        resource.refuse("unsupported_type", f"Taken are {', '.join(TAKEN)}.", kind="not-supported")
        return None
    if (request.text("method"), request.text("url")) != ("POST", kind):
        request.refuse("unsupported_request", f"Expected POST of {kind}.", kind="not-supported")
    return BundleEntry(kind, entry.text("fullUrl"), resource, request.text("ifNoneExist"))


def check_condition(entry: BundleEntry, system: str, value: str) -> None:
    """What is found by its identifier can't be made to depend on anything else."""
    if not entry.condition:
        return
    asked = parse_qs(entry.condition)
    if set(asked) != {"identifier"} or set(asked["identifier"]) - {value, f"|{value}", f"{system}|{value}"}:
        text = f"ifNoneExist can be identifier=system|value, as the {entry.kind} has it."
        entry.element.refuse("unsupported_condition", text, name="identifier", kind="not-supported")


def open_request(sent: Any, *, base: str) -> OrderBundle:
    """A ServiceRequest, with everything that is new about it in `contained`."""
    request = Element(_check_type(sent, "ServiceRequest"), "ServiceRequest")
    contained = request.children("contained")
    _check_number(len(contained))
    entries = [BundleEntry("ServiceRequest", "", request)]
    for one in contained:
        kind, key = one.text("resourceType"), one.text("id")
        if kind in TAKEN and kind != "ServiceRequest":
            entries.append(BundleEntry(kind, f"#{key}" if key else "", one))
        else:
            one.refuse("unsupported_type", f"Taken are {', '.join(TAKEN)}.", kind="not-supported")
    return OrderBundle(entries, request.issues, base)


def _check_type(sent: Any, kind: str) -> JSON:
    if isinstance(sent, dict) and sent.get("resourceType") == kind:
        return sent
    raise FhirError(400, Issue("wrong_resource", f"A {kind} is expected here.", kind="structure"))


def _check_number(count: int) -> None:
    # A Media and a Binary an image, and one of each other type.
    most = 2 * UploadLimits.from_settings().max_images + 3
    if count > most:
        text = f"An order has at most {most} resources; this one has {count}."
        raise FhirError(422, Issue("too_many_resources", text, kind="too-costly"))
