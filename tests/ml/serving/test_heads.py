import numpy as np
import pytest

from ml.serving.heads import PredictionError, make_floats, read_malignant
from ml.serving.specification import ModelSpecification, SpecificationError


def read(data, values, **changes):
    return read_malignant(np.array(values), ModelSpecification.from_dict({**data, **changes})).tolist()


def test_one_output_is_the_second_class(specification_data):
    assert read(specification_data, [[0.2], [0.9]]) == [0.2, 0.9]
    reversed_order = {"classes": ["malignant", "benign"]}
    assert read(specification_data, [[0.25], [1.0]], **reversed_order) == [0.75, 0.0]


def test_the_declared_classes_are_added(specification_data):
    classes = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    changes = {"classes": classes, "malignant_classes": ["mel", "bcc", "akiec"]}
    output = [[0.1, 0.2, 0.1, 0.1, 0.3, 0.1, 0.1]]
    assert read(specification_data, output, **changes) == pytest.approx([0.6])
    assert read(specification_data, [[0.7, 0.3]], classes=["malignant", "benign"]) == [0.7]


def test_logits_are_declared(specification_data):
    assert read(specification_data, [[0.0]], output="logits") == [0.5]
    assert read(specification_data, [[np.log(3), 0.0]], output="logits") == pytest.approx([0.25])
    with pytest.raises(PredictionError, match="in \\[0, 1\\]"):
        read(specification_data, [[-2.0]])
    with pytest.raises(PredictionError, match="add up to 1"):
        read(specification_data, [[0.9, 0.9]])


def test_colour_order_and_scaling(specification_data):
    pixels = np.array([[[[255, 0, 0]]]], dtype=np.uint8)
    specification = ModelSpecification.from_dict({**specification_data, "colour_order": "bgr"})
    assert make_floats(pixels, specification).tolist() == [[[[0.0, 0.0, 1.0]]]]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour_order": "grb"}, "one of rgb, bgr"),
        ({"output": "odds"}, "one of probabilities, logits"),
        ({"malignant_classes": ["mel"]}, "some of benign, malignant"),
        ({"malignant_classes": ["benign", "malignant"]}, "not every class"),
        ({"malignant_classes": []}, "some of benign, malignant"),
    ],
)
def test_impossible_mappings_are_refused(specification_data, changes, sentence):
    with pytest.raises(SpecificationError, match=sentence):
        ModelSpecification.from_dict({**specification_data, **changes})


def test_an_older_specification_means_rgb_and_malignant(specification_data):
    for key in ("colour_order", "malignant_classes", "output"):
        specification_data.pop(key, None)
    specification = ModelSpecification.from_dict(specification_data)
    assert (specification.colour_order, specification.malignant_classes) == ("rgb", ("malignant",))
    assert specification.output == "probabilities"
