"""The schema is a promise: it changes on purpose, never by accident.

After a change that is meant: python manage.py spectacular --file tests/classifier/api/openapi.yaml
"""

from pathlib import Path

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from tests.classifier.api.conftest import ROOT

FROZEN = Path(__file__).with_name("openapi.yaml")
COMMAND = f"python manage.py spectacular --file {FROZEN.relative_to(Path.cwd())}"


@pytest.fixture(scope="module")
def schema():
    GENERATOR_STATS.reset()
    return SchemaGenerator().get_schema(request=None, public=True)


def test_schema_is_the_frozen_one(schema):
    made = OpenApiYamlRenderer().render(schema, renderer_context={}).decode()
    assert made == FROZEN.read_text(), f"The API changed. If it was meant to, run: {COMMAND}"


def test_schema_is_valid_and_free_of_warnings(schema):
    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")
    assert not GENERATOR_STATS


def test_every_operation_says_how_it_fails(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            error = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert error == {"$ref": "#/components/schemas/Error"}, (path, method)
            assert operation["summary"], (path, method)


def test_schema_is_open_to_everybody(db):
    response = APIClient().get(f"{ROOT}/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"] == "Dermaport"


def test_schema_is_made_once_and_takes_no_word_of_the_address(db, schema):
    client = APIClient()
    answers = [client.get(f"{ROOT}/schema/{query}") for query in ("", "?version=other", "?lang=de")]
    assert [answer.data for answer in answers] == [schema] * 3
    assert len({id(answer.data) for answer in answers}) == 1
    assert {answer["Content-Disposition"] for answer in answers} == {'inline; filename="Dermaport (v1).yaml"'}


def test_docs_hold_no_inline_code(db):
    client = APIClient()
    page = client.get(f"{ROOT}/docs/")
    words = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in words
    assert "style=" not in words
    assert words.count("<script src=") == words.count("<script") == 2
    policy = page["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "img-src 'self' blob: data:" in policy
    script = client.get(f"{ROOT}/docs/", {"script": ""})
    assert script["Content-Type"] == "application/javascript"
    assert "SwaggerUIBundle" in script.content.decode()
