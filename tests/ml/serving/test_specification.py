import json

import pytest

from ml.serving.specification import DEFAULTS, ModelSpecification, SpecificationError


def test_round_trip_through_a_file(specification_data, tmp_path):
    path = tmp_path / "drawn.json"
    specification = ModelSpecification.from_dict(specification_data)
    specification.save(path)
    assert ModelSpecification.load(path) == specification
    assert json.loads(path.read_text(encoding="utf-8")) == specification_data
    assert [entry.name for entry in tmp_path.iterdir()] == ["drawn.json"]


def test_input_size_is_height_then_width(specification_data):
    specification_data |= {"input_height": 100, "input_width": 200}
    assert ModelSpecification.from_dict(specification_data).input_size == (100, 200)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": ""}, "text in 'name', received ''"),
        ({"file": "../other.h5"}, "plain .h5 file name in 'file', received '../other.h5'"),
        ({"file": "network.pkl"}, "plain .h5 file name"),
        ({"sha256": "AB" * 32}, "64 lower-case hexadecimal digits in 'sha256'"),
        ({"parameters": 0}, "at least 1 in 'parameters', received 0"),
        ({"parameters": True}, "at least 1 in 'parameters', received True"),
        ({"input_height": 22.5}, "at least 1 in 'input_height', received 22.5"),
        ({"scaling": "zscore"}, "unit, raw, signed, caffe, torch in 'scaling', received 'zscore'"),
        ({"classes": ["malignant"]}, "at least two different names"),
        ({"classes": ["benign", "benign"]}, "at least two different names"),
        ({"classes": ["naevus", "melanoma"]}, "a class named 'malignant'"),
        ({"classes": "benign"}, "a list of names"),
        ({"calibration": {"method": "magic"}}, "received 'magic'"),
        ({"policy": {}}, "the field 'version', received none"),
        ({"policy": []}, r"an object in 'policy', received \[\]"),
        ({"views": ["flip_left_right"]}, "identity and then any of flip_left_right"),
        ({"views": ["identity", "sideways"]}, "identity and then any of flip_left_right"),
        ({"views": []}, "identity and then any of"),
        ({"surprise": 1}, "received 'surprise'"),
    ],
)
def test_impossible_values_say_what_was_expected(specification_data, values, sentence):
    with pytest.raises(SpecificationError, match=sentence) as caught:
        ModelSpecification.from_dict(specification_data | values)
    assert "expected" in str(caught.value)
    assert "received" in str(caught.value)


def test_a_specification_older_than_the_views_has_one(specification_data):
    del specification_data["views"]
    assert ModelSpecification.from_dict(specification_data).views == ("identity",)


def test_every_other_field_is_required(specification_data):
    for key in [name for name in specification_data if name not in DEFAULTS]:
        rest = {name: value for name, value in specification_data.items() if name != key}
        with pytest.raises(SpecificationError, match=f"the field '{key}', received none"):
            ModelSpecification.from_dict(rest)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "x"}'])
def test_an_unreadable_file_is_one_kind_of_error(content, tmp_path):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(SpecificationError, match="expected"):
        ModelSpecification.load(path)


def test_a_missing_file_is_the_same_kind_of_error(tmp_path):
    with pytest.raises(SpecificationError, match=r"JSON file at none\.json"):
        ModelSpecification.load(tmp_path / "none.json")
