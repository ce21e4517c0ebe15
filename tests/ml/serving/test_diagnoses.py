"""Diagnoses: their probabilities can't contradict the figure, whatever the head says and whatever was fitted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.digests import digest_file
from ml.explanation.hirescam import explain_images
from ml.serving.calibration import Calibration
from ml.serving.diagnoses import (
    DiagnosisCalibration,
    DiagnosisError,
    DiagnosisPolicy,
    average_classes,
    derive_diagnoses,
    name_diagnoses,
)
from ml.serving.heads import make_floats
from ml.serving.judging import explain_image, judge_images
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification, SpecificationError
from tests.ml.drawing import draw_lesion

CLASSES = ("nv", "mel", "bcc", "akiec", "bkl", "df", "vasc")
MALIGNANT = ("mel", "bcc", "akiec")
COLUMNS = (1, 2, 3)
DIAGNOSING = {"classes": list(CLASSES), "malignant_classes": list(MALIGNANT)}


@pytest.fixture(scope="module")
def network_path(tmp_path_factory):
    """A small network with a softmax over seven diagnoses, as it was initialised."""
    import keras

    keras.utils.set_random_seed(3)
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(8, 5, strides=2, activation="relu", name="last")(pixels)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    network = keras.Model(pixels, keras.layers.Dense(7, activation="softmax", name="diagnoses")(pooled))
    network.layers[-1].kernel.assign(network.layers[-1].kernel * 12)
    path = tmp_path_factory.mktemp("diagnosing") / "drawn.h5"
    network.save(path)
    return path, network.count_params()


@pytest.fixture
def predictor(network_path, specification_data):
    path, parameters = network_path
    told = {
        **specification_data,
        **DIAGNOSING,
        "sha256": digest_file(path),
        "parameters": parameters,
        "calibration": {"method": "platt", "a": 0.7, "b": -0.4},
        "diagnosis_calibration": {"malignant_temperature": 1.8, "benign_temperature": 0.6},
        "views": ["identity", "flip_left_right"],
    }
    return Predictor(ModelSpecification.from_dict(told), path)


# --- The figure and the sum ---------------------------------------------------------------------
rows = st.integers(1, 6).flatmap(
    lambda n: arrays.arrays(np.float64, (n, 7), elements=st.floats(0, 1, width=32, allow_subnormal=False))
)


@settings(max_examples=200)
@given(
    rows,
    st.floats(0.05, 20),
    st.floats(0.05, 20),
    st.sampled_from([{"method": "identity"}, {"method": "platt", "a": 0.3, "b": 2.0}]),
)
def test_malignant_diagnoses_add_up_to_the_figure(raw, hot, cold, method):
    totals = raw.sum(axis=1, keepdims=True)
    raw = np.divide(raw, totals, out=np.full_like(raw, 1 / 7), where=totals > 0)
    figure = Calibration.from_dict(method).apply(np.clip(raw[:, COLUMNS].sum(axis=1), 0, 1))
    derived = derive_diagnoses(raw, figure, COLUMNS, DiagnosisCalibration(hot, cold))
    assert np.abs(derived[:, COLUMNS].sum(axis=1) - figure).max() < 1e-6
    assert np.abs(derived.sum(axis=1) - 1).max() < 1e-6
    assert derived.min() >= 0
    # Within a group calibration never changes which is the more probable.
    for group in (list(COLUMNS), [0, 4, 5, 6]):
        clear = np.diff(np.sort(raw[:, group])[:, -2:])[:, 0] > 1e-6
        seen = derived[:, group].sum(axis=1) > 1e-9
        firsts = (raw[:, group].argmax(axis=1), derived[:, group].argmax(axis=1))
        assert np.array_equal(firsts[0][clear & seen], firsts[1][clear & seen])


def test_a_group_that_the_softmax_left_at_zero_is_shared_alike():
    derived = derive_diagnoses([[1, 0, 0, 0, 0, 0, 0]], [0.3], COLUMNS, DiagnosisCalibration())
    assert derived[0].tolist() == pytest.approx([0.7, 0.1, 0.1, 0.1, 0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("raw", "figure", "columns"),
    [
        ([[0.5, 0.5]], [0.5, 0.5], (0,)),
        ([0.5, 0.5], [0.5], (0,)),
        ([[0.5, 1.5]], [0.5], (0,)),
        ([[0.5, 0.5]], [np.nan], (0,)),
        ([[0.5, 0.5]], [0.5], (0, 1)),
    ],
)
def test_what_does_not_belong_together_is_refused(raw, figure, columns):
    with pytest.raises(DiagnosisError, match="Expected"):
        derive_diagnoses(raw, figure, columns, DiagnosisCalibration())


def test_views_are_averaged_on_the_logarithmic_scale():
    one = np.array([[[0.8, 0.1, 0.1]]])
    assert average_classes(one).tolist() == one[0].tolist()
    both = average_classes(np.array([[[0.8, 0.1, 0.1]], [[0.2, 0.4, 0.4]]]))
    assert both[0].tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4])


# --- None of these ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("policy", "p", "stands_out"),
    [
        ({}, [0.5, 0.3, 0.2], True),
        ({}, [0.49, 0.31, 0.2], False),
        ({"version": "2", "top_least": 0.3}, [0.34, 0.33, 0.33], True),
        ({"version": "2", "top_least": 0.3, "entropy_most": 0.9}, [0.34, 0.33, 0.33], False),
        ({"version": "2", "top_least": 0.3, "entropy_most": 0.9}, [0.8, 0.1, 0.1], True),
        ({"version": "2", "top_least": 0.5, "entropy_most": 0.0}, [1.0, 0.0, 0.0], True),
    ],
)
def test_when_one_stands_out(policy, p, stands_out):
    read = DiagnosisPolicy.from_dict(policy)
    assert read.stands_out(p) is stands_out
    assert DiagnosisPolicy.from_dict(read.to_dict()) == read
    named = name_diagnoses(np.array(p), ["a", "b", "c"], ["b"], read)
    assert (named.stands_out, [one.name for one in named.diagnoses]) == (stands_out, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"diagnosis_calibration": {"malignant_temperature": 0, "benign_temperature": 1}}, "above 0"),
        ({"diagnosis_calibration": {"malignant_temperature": 1}}, "'benign_temperature', received none"),
        ({"diagnosis_policy": {"version": "1", "top_least": 1.5}}, r"in \[0, 1\], received 1.5"),
        ({"diagnosis_policy": {"version": "1", "top_least": 0.5, "most": 1}}, "received 'most'"),
        ({"classes": ["benign", "malignant"], "malignant_classes": ["malignant"]}, "at least 3 names"),
    ],
)
def test_impossible_specifications_are_refused(specification_data, changes, sentence):
    told = {**specification_data, **DIAGNOSING, "diagnosis_policy": {"version": "1", "top_least": 0.5}}
    with pytest.raises(SpecificationError, match=sentence):
        ModelSpecification.from_dict({**told, **changes})


def test_a_specification_keeps_what_it_says_of_diagnoses_and_nothing_where_it_says_nothing(
    specification_data,
):
    assert not {"diagnosis_calibration", "diagnosis_policy"} & set(
        ModelSpecification.from_dict(specification_data).to_dict()
    )
    told = {**specification_data, **DIAGNOSING, "diagnosis_policy": {"version": "1", "top_least": 0.4}}
    assert ModelSpecification.from_dict(told).to_dict()["diagnosis_policy"] == told["diagnosis_policy"]


# --- A network ----------------------------------------------------------------------------------
def test_a_network_names_diagnoses_in_one_pass_with_its_figure(predictor):
    images = [draw_lesion(seed, malignant=bool(seed % 2), size=32) for seed in range(11)]
    batch = judge_images(predictor, predictor.specification, images)
    for one in batch.judgements:
        assert [each.probability for each in one.diagnoses.diagnoses] == sorted(
            (each.probability for each in one.diagnoses.diagnoses), reverse=True
        )
        assert {each.name for each in one.diagnoses.diagnoses} == set(CLASSES)
        malignant = [each.probability for each in one.diagnoses.diagnoses if each.is_malignant]
        assert sum(malignant) == pytest.approx(one.calibrated_probability, abs=1e-6)
    (alone,) = judge_images(predictor, predictor.specification, images[5:6]).judgements
    assert [each.probability for each in alone.diagnoses.diagnoses] == pytest.approx(
        [each.probability for each in batch.judgements[5].diagnoses.diagnoses], abs=1e-5
    )


def test_a_network_of_two_classes_names_none(shipped_predictor):
    image = draw_lesion(1, malignant=True, size=shipped_predictor.specification.input_height)
    (judged,) = judge_images(shipped_predictor, shipped_predictor.specification, [image]).judgements
    assert judged.diagnoses is None


def test_its_map_explains_the_sum_of_the_malignant_diagnoses(predictor, network_path):
    from ml.network_files.loading import load_network

    image = draw_lesion(1, malignant=True, size=32)
    network = load_network(network_path[0], sha256=digest_file(network_path[0]), input_size=(32, 32))
    inputs = make_floats(image[None], predictor.specification)
    p = float(np.asarray(network(inputs))[0, list(COLUMNS)].sum())
    (found,) = explain_images(network, inputs, malignant=COLUMNS)
    assert found.logit == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
    explained = explain_image(predictor, predictor.specification, image, (64, 64))
    assert explained.figures["whole"] == pytest.approx(
        judge_images(predictor, predictor.specification, [image]).judgements[0].calibrated_probability,
        abs=1e-3,
    )
