"""The table of codes is whole: what a service raises is explained where integrators look."""

import ast
from pathlib import Path

import pytest
from django.test import Client

from classifier.api.problems import FIELD_CODES, PROBLEMS
from tests.classifier.api.conftest import ROOT

RAISED = {
    *("InvalidInputError", "ConflictError", "UnavailableError", "UnchangedError", "LimitError"),
    *("RejectedImageError", "WrongKindError"),
}
OF_A_FIELD = {"RejectedImageError", "WrongKindError"}
OTHER_DOORS = {"client", "demo", "fhir", "pages"}
NOT_OVER_THE_API = {
    "classifier/cases/hand_over.py",
    "classifier/privacy/emergency_access.py",
    "classifier/registry/outlines.py",
    "classifier/registry/versions.py",
    "classifier/cases/explanations.py",
    "classifier/cases/follow_up.py",
    "classifier/cases/signing.py",
    "classifier/cases/targets.py",
}
OF_OTHER_DOORS = {"identifier_used"}
"""A key of REST that comes with another body is told so by its fingerprint (idempotency_key_reused)."""


def find_codes(path: Path) -> set[tuple[str, bool]]:
    """(code, is about a field) of every error that the file raises with a literal code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in RAISED:
            continue
        code = node.args[0]
        if isinstance(code, ast.Constant):
            of_field = node.func.id in OF_A_FIELD or any(one.arg == "field" for one in node.keywords)
            found.add((code.value, of_field))
    return found


def test_every_code_of_the_services_is_documented() -> None:
    raised = set()
    for path in Path("classifier").rglob("*.py"):
        if path.parts[1] not in OTHER_DOORS and str(path) not in NOT_OVER_THE_API:
            raised |= find_codes(path)
    assert ("mrn_missing", True) in raised
    missing = {code for code, of_field in raised if code not in (FIELD_CODES if of_field else PROBLEMS)}
    missing -= OF_OTHER_DOORS
    assert not missing, f"Explain these in classifier/api/problems.py: {sorted(missing)}"


@pytest.mark.django_db
def test_page_explains_every_code() -> None:
    page = Client().get(f"{ROOT}/errors/")
    words = page.content.decode()
    assert page.status_code == 200
    for code in PROBLEMS:
        assert f'id="{code}"' in words
    for code in FIELD_CODES:
        assert f"<code>{code}</code>" in words


def test_type_leads_to_the_row_of_the_page() -> None:
    assert PROBLEMS["mrn_taken"].type == "/api/v1/errors/#mrn_taken"
