"""FHIR R4. Types stand in addresses as FHIR writes them, and addresses end without a slash."""

from __future__ import annotations

import re

from django.urls import path, re_path
from django.urls.resolvers import URLPattern

from classifier.fhir.resources import KINDS
from classifier.fhir.resources.base import Kind
from classifier.fhir.views import base, intake, read


def name_route(kind: str) -> str:
    """`DiagnosticReport` to `fhir-diagnostic-report`."""
    return "fhir-" + re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def list_routes(kind: Kind) -> list[URLPattern]:
    name = name_route(kind.name)
    view = intake.ServiceRequests if kind.name == "ServiceRequest" else read.Search
    kept = [] if kind.versions is None else _list_version_routes(kind, name)
    return [
        *kept,
        path(kind.name, view.as_view(kind=kind), name=f"{name}-search"),
        path(f"{kind.name}/_search", read.PostSearch.as_view(kind=kind), name=f"{name}-post-search"),
        path(f"{kind.name}/<uuid:pk>", read.Read.as_view(kind=kind), name=name),
    ]


def _list_version_routes(kind: Kind, name: str) -> list[URLPattern]:
    return [
        path(f"{kind.name}/<uuid:pk>/_history", read.History.as_view(kind=kind), name=f"{name}-history"),
        path(
            f"{kind.name}/<uuid:pk>/_history/<slug:version>",
            read.VersionRead.as_view(kind=kind),
            name=f"{name}-version",
        ),
    ]


urlpatterns = [
    path("", intake.Transaction.as_view(), name="fhir-base"),
    path("metadata", read.Metadata.as_view(), name="fhir-metadata"),
    path("CodeSystem", read.CodeSystemSearch.as_view(), name="fhir-code-system-search"),
    path("CodeSystem/<slug:key>", read.CodeSystemRead.as_view(), name="fhir-code-system"),
    path("Binary/<uuid:pk>", read.Binary.as_view(), name="fhir-binary"),
    *(route for kind in KINDS.values() for route in list_routes(kind)),
    re_path(r"", base.UnknownFhirAddress.as_view(), name="fhir-unknown"),
]
