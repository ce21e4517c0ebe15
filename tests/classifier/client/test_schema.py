"""The records are the schema's components: a change of either that the other lacks fails here."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from classifier.client import records
from classifier.client.errors import FieldError, ProtocolError
from classifier.client.reading import name_of, read_record
from tests.classifier.client.shapes import component, example, operations, resolve

RECORDS = {name_of(getattr(records, name)): getattr(records, name) for name in records.__all__}
RECORDS["FieldError"] = FieldError
WORDS = {"date-time": dt.datetime, "date": dt.date}
KINDS = {"integer": int, "number": float, "boolean": bool}


def known_fields(record) -> dict[str, dataclasses.Field]:
    return {one.name: one for one in dataclasses.fields(record) if not one.metadata.get("header")}


def python_type(shape: dict[str, Any]) -> Any:
    shape, name, may_be_null = resolve(shape)
    if shape.get("type") == "array":
        kind: Any = tuple[python_type(shape["items"]), ...]
    elif shape.get("type") == "object" and name:
        kind = RECORDS[name]
    elif shape.get("type") == "object":
        more = shape["additionalProperties"]
        kind = Mapping[str, python_type(more) if more else Any]
    else:
        kind = KINDS.get(shape.get("type")) or WORDS.get(shape.get("format", ""), str)
    return kind | None if may_be_null else kind


@pytest.mark.parametrize("name", RECORDS)
def test_record_has_the_fields_of_its_component(name):
    promised = component(name)
    fields = known_fields(RECORDS[name])
    assert set(fields) == set(promised["properties"])
    needed = {
        field.name
        for field in fields.values()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert needed == set(promised.get("required", ()))


@pytest.mark.parametrize("name", RECORDS)
def test_fields_have_the_types_of_their_component(name):
    hints = get_type_hints(RECORDS[name])
    for field, shape in component(name)["properties"].items():
        expected = python_type(shape)
        if field not in component(name).get("required", ()):
            expected = expected | None
        assert hints[field] == expected, field


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("name", RECORDS)
def test_record_is_read_from_an_example(name, null):
    reference = {"$ref": f"#/components/schemas/{name}"}
    made = example(reference, null=null)
    row = read_record(RECORDS[name], {**made, "of_a_newer_server": [1]})
    for field, value in made.items():
        assert (getattr(row, field) is None) == (value is None)


def test_every_component_of_an_answer_is_a_record():
    """What the API can answer with, and everything within, but the password's token and lists."""
    found: set[str] = set()

    def walk(shape):
        shape, name, _ = resolve(shape)
        if name in found:
            return
        if name and shape.get("type") == "object":
            found.add(name)
        for part in (*shape.get("properties", {}).values(), *([shape["items"]] if "items" in shape else [])):
            if part:
                walk(part)

    for _, _, operation in operations().values():
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                if status.startswith("2"):
                    walk(content["schema"])
    lists = {name for name in found if name.startswith("Paginated")}
    assert found - lists - {"Token"} == set(RECORDS) - {"FieldError"}


def test_missing_and_wrong_values_are_told_without_the_value():
    made = example({"$ref": "#/components/schemas/PatientReference"})
    with pytest.raises(ProtocolError, match=r"PatientReference\.mrn is missing"):
        read_record(records.PatientReference, {name: made[name] for name in made if name != "mrn"})
    with pytest.raises(ProtocolError) as told:
        read_record(records.PatientReference, {**made, "mrn": ["Zebedee"]})
    assert "mrn" in str(told.value)
    assert "Zebedee" not in str(told.value)
    for value in ("yesterday", 7, None, True):
        with pytest.raises(ProtocolError, match=r"created_at"):
            read_record(
                records.WebhookEventRecord, {"id": "1", "type": "x", "submission": None, "created_at": value}
            )


def test_a_flag_is_no_number():
    made = example({"$ref": "#/components/schemas/Status"})
    with pytest.raises(ProtocolError, match="images"):
        read_record(records.StatusRecord, {**made, "images": True})


def test_repr_of_a_record_holds_no_word_of_a_patient():
    private = {
        *("mrn", "birth_date", "sex", "skin_type", "note", "comment", "clinical_question"),
        *("clinical_history", "original_name", "amendment_reason", "correction_reason", "secret"),
    }
    shown = [
        f"{name}.{field.name}"
        for name, record in RECORDS.items()
        for field in known_fields(record).values()
        if field.repr and field.name in private
    ]
    assert shown == []


def test_records_are_frozen():
    for name, record in RECORDS.items():
        assert record.__dataclass_params__.frozen, name
        for hint in get_type_hints(record).values():
            assert get_origin(hint) not in (list, dict), name
            assert not (isinstance(hint, types.UnionType) and list in get_args(hint))
