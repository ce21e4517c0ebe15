"""No hole in the matrix: operations of the schema, interactions of FHIR, files, and what nobody asks for."""

from __future__ import annotations

import re
import uuid

from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator

from classifier.fhir.capability import build_capability_statement
from classifier.fhir.resources import KINDS
from classifier.fhir.urls import name_route
from tests.permissions.calling import ROUTES
from tests.permissions.files import FILES
from tests.permissions.matrix import MATRIX

STATED = {str(row) for row in MATRIX}
INTERACTIONS = {
    "read": ["GET {}"],
    "vread": ["GET {}-version"],
    "history-instance": ["GET {}-history"],
    "search-type": ["GET {}-search", "POST {}-post-search"],
    "create": ["POST {}-search"],
    "transaction": ["POST fhir-base"],
}
"""FHIR's words to rows, with the type's route in the gap."""
NOT_SEARCHED_BY_POST = {"CodeSystem"}


def list_operations() -> set[str]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    found = set()
    for path, operations in paths.items():
        route = resolve(re.sub(r"\{\w+\}", str(uuid.uuid4()), path)).url_name
        found |= {f"{method.upper()} {route}" for method in operations}
    return found


def test_every_operation_of_the_schema_has_a_row() -> None:
    operations = list_operations()
    assert len(operations) > 40
    assert operations - STATED == set()


def test_every_row_of_the_api_is_in_the_schema() -> None:
    about_itself = {"GET api-schema", "GET api-docs", "GET api-errors"}
    assert {one for one in STATED if " api-" in one} - list_operations() == about_itself


def test_every_interaction_of_the_capability_statement_has_a_row() -> None:
    rest = build_capability_statement(base="https://clinic.example/fhir/r4", token_url="")["rest"][0]
    assert {one["type"] for one in rest["resource"]} == {*KINDS, "Binary", "CodeSystem"}
    needed = {need for one in rest["interaction"] for need in INTERACTIONS[one["code"]]}
    for described in rest["resource"]:
        for interaction in described["interaction"]:
            needed |= {
                need.format(name_route(described["type"])) for need in INTERACTIONS[interaction["code"]]
            }
    needed -= {f"POST {name_route(kind)}-post-search" for kind in NOT_SEARCHED_BY_POST}
    assert needed - STATED == set()
    unsaid = {one for one in STATED if " fhir-" in one} - needed
    assert unsaid == {"GET fhir-metadata"}


def test_every_file_has_a_row_and_media_leave_by_no_other_way() -> None:
    assert set(FILES) - STATED == set()
    # Neither of Django's ways to serve a folder is on: files go through views that ask who calls.
    assert not [name for name in ROUTES if "media" in name.split("-")[:1] or "static" in name]
