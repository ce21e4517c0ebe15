import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.digests import digest_bytes
from ml.gates.specification import GateError
from ml.imaging.inputs import scale_pixels
from ml.network_files.loading import load_network
from ml.serving.prediction import BATCH_SHAPES, PredictionError, Predictor, choose_shapes
from ml.serving.specification import ModelSpecification
from ml.training.architectures import build_paper_cnn_2
from ml.training.gate_fitting import fit_ground
from ml.training.release import save_network
from tests.ml.drawing import draw_lesion


@pytest.fixture(scope="module")
def network_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "drawn.h5"
    return path, save_network(build_paper_cnn_2(32), path)


@pytest.fixture
def build(network_path, specification_data):
    def build_predictor(**values):
        path, sha256 = network_path
        real = {"sha256": sha256, "parameters": build_paper_cnn_2(32).count_params()}
        return Predictor(ModelSpecification.from_dict(specification_data | real | values), path)

    return build_predictor


def lesions(count):
    return [draw_lesion(seed, malignant=bool(seed % 2), size=32) for seed in range(count)]


@given(st.integers(0, 1000))
def test_batches_hold_every_image_and_little_padding(count):
    shapes = choose_shapes(count)
    assert set(shapes) <= set(BATCH_SHAPES)
    padding = sum(shapes) - count
    assert 0 <= padding <= (shapes[-1] // 4 if shapes else 0)


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 33, 64, 65, 130])
def test_single_equals_batch(build, count):
    predictor = build()
    images = lesions(count)
    together = predictor.predict(images)
    assert (together.shape, together.dtype) == ((count,), np.float64)
    alone = [predictor.predict([image])[0] for image in images]
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=0)


def test_only_the_fixed_batch_shapes_reach_the_network(build, monkeypatch):
    predictor = build()
    seen = []
    whole = predictor._network.predict_on_batch
    monkeypatch.setattr(predictor._network, "predict_on_batch", lambda x: (seen.append(len(x)), whole(x))[1])
    predictor.warm_up()
    assert seen == list(BATCH_SHAPES)
    for count in (1, 3, 20, 50, 70):
        predictor.predict(lesions(count))
    assert set(seen) <= set(BATCH_SHAPES)


def test_the_device_is_named(build):
    assert build().device.split(":")[0] in ("CPU", "GPU")


@pytest.mark.parametrize(
    "image",
    [np.zeros((32, 31, 3), np.uint8), np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.uint8)],
)
def test_other_shapes_and_types_are_refused(build, image):
    with pytest.raises(PredictionError, match="Expected images uint8"):
        build().predict([image])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"parameters": 7}, "Expected 7 parameters"),
        ({"input_height": 64}, r"Expected the input \(None, 64, 32, 3\)"),
        ({"classes": ["benign", "malignant", "other"]}, "one for two classes"),
        ({"classes": ["naevus", "keratosis", "malignant"]}, "one output a class"),
    ],
)
def test_a_network_that_is_not_the_specified_one_is_refused(build, values, sentence):
    with pytest.raises(PredictionError, match=sentence):
        build(**values)


def test_the_class_order_finds_malignant(tmp_path, specification_data):
    import keras

    image = keras.Input((32, 32, 3))
    flat = keras.layers.GlobalAveragePooling2D()(image)
    network = keras.Model(image, keras.layers.Dense(2, activation="softmax")(flat))
    path = tmp_path / "softmax.h5"
    network.save(path)
    from ml.digests import digest_file

    values = {"sha256": digest_file(path), "parameters": network.count_params()}
    outputs = []
    for classes in (["benign", "malignant"], ["malignant", "benign"]):
        data = specification_data | values | {"classes": classes}
        outputs.append(Predictor(ModelSpecification.from_dict(data), path).predict(lesions(3)))
    np.testing.assert_allclose(outputs[0] + outputs[1], 1, atol=1e-6)


def test_scaling_of_pixels():
    pixels = np.array([0, 51, 255], dtype=np.uint8)
    assert scale_pixels(pixels, "unit").tolist() == pytest.approx([0, 0.2, 1])
    assert scale_pixels(pixels, "signed").tolist() == pytest.approx([-1, -0.6, 1])
    assert scale_pixels(pixels, "raw").tolist() == [0, 51, 255]
    assert scale_pixels(pixels, "raw").dtype == np.float32
    with pytest.raises(ValueError, match="received 'other'"):
        scale_pixels(pixels, "other")


@pytest.fixture
def ground(network_path):
    """Statistics of what the drawn network makes of ten drawn lesions, of two sources, beside its file."""
    path, sha256 = network_path
    network = keras_network(path, sha256)
    features = network.predict(np.stack([scale_pixels(image, "unit") for image in lesions(100)]), verbose=0)
    statistics = fit_ground(features, ["here", "there"] * 50)
    data = statistics.to_bytes()
    (path.parent / "drawn.ground.npz").write_bytes(data)
    return {"layer": "dense_1", "file": "drawn.ground.npz", "sha256": digest_bytes(data)}


def keras_network(path, sha256):
    import keras

    network = load_network(path, sha256=sha256, input_size=(32, 32))
    return keras.Model(network.inputs, network.get_layer("dense_1").output)


def test_distance_comes_with_the_figure_and_changes_nothing(build, ground):
    images = lesions(5)
    plain, grounded = build(), build(ground=ground)
    assert plain.measure(images).distances is None
    found = grounded.measure(images)
    np.testing.assert_allclose(found.probabilities, plain.predict(images), atol=1e-6)
    assert np.all(found.distances < 3)
    strange = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    assert grounded.measure(strange).distances[0] > found.distances.max()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layer": "nowhere"}, "Expected the layer 'nowhere'"),
        ({"sha256": "0" * 64}, "expected SHA-256 0000"),
        ({"file": "other.npz"}, r"Expected the file other\.npz"),
    ],
)
def test_a_ground_that_is_not_the_one_specified_is_refused(build, ground, changes, sentence):
    with pytest.raises((PredictionError, GateError), match=sentence):
        build(ground=ground | changes)
