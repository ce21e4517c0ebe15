"""Examples in the schema: there for every body, and valid."""

import json
from pathlib import Path

import jsonschema
import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

FROZEN = Path(__file__).with_name("openapi.yaml")
COMMAND = f"python manage.py spectacular --file {FROZEN.relative_to(Path.cwd())}"


@pytest.fixture(scope="module")
def schema():
    GENERATOR_STATS.reset()
    return SchemaGenerator().get_schema(request=None, public=True)


def list_examples(schema):
    """(where, schema, value) of every example of a JSON body, sent or answered."""
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for media in [media for body in bodies for media in body.get("content", {}).items()]:
                kind, content = media
                if "json" in kind:
                    for name, example in content.get("examples", {}).items():
                        yield (method, path, name), content["schema"], example["value"]


def test_every_example_is_valid(schema):
    plain = json.loads(json.dumps(schema, default=str))
    found = list(list_examples(plain))
    assert len(found) > 20
    for where, shape, value in found:
        whole = {**shape, "components": plain["components"]}
        errors = list(jsonschema.Draft202012Validator(whole).iter_errors(value))
        assert not errors, (where, errors)


def test_every_body_has_an_example(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content and "token" not in path:
                assert content.get("examples"), (method, path)
