"""What `inspect` promises of a file, registration keeps: both doors, many files, one answer."""

from pathlib import Path

import numpy as np
import pytest

from ml.network_files.errors import UnsafeModelError
from ml.network_files.head import find_head
from ml.network_files.inspection import examine_bytes, inspect_file
from ml.serving.registration import declare, prepare_network
from tests.ml.imaging.shared_inputs import SHARED, needs_inputs
from tests.ml.network_files.keras2_files import conv, convert_here, dense, pool, write_keras2

BAND = (0.1, 0.5, 0.9)


@pytest.fixture(autouse=True)
def convert_in_this_process(monkeypatch, tmp_path):
    """Once the real process was tested, its work is enough: it costs a tenth."""
    run = convert_here(tmp_path)
    monkeypatch.setattr("ml.network_files.inspection.convert_network", run)
    monkeypatch.setattr("ml.serving.registration.convert_network", run)


# --- Files of Keras 3


def save(network, path):
    network.save(path, include_optimizer=False)
    return path


def build(path, head, *, before=()):
    """A small network whose last layers are made by `head` of its pooled features."""
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((12, 12, 3))
    features = image
    for layer in before:
        features = layer(features)
    features = keras.layers.Conv2D(4, 3, activation="relu")(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    return save(keras.Model(image, head(features)), path)


def make_heads():
    from keras import layers

    def sigmoid(x):
        return layers.Dense(1, activation="sigmoid")(x)

    def softmax(x):
        return layers.Dense(2, activation="softmax")(x)

    return {
        "sigmoid": (sigmoid, "sigmoid", None),
        "softmax": (softmax, "softmax", None),
        "logit": (layers.Dense(1), "linear", None),
        "mean of sigmoids": (lambda x: layers.Average()([sigmoid(x), sigmoid(x)]), "sigmoid", None),
        "mean of softmaxes": (lambda x: layers.Average()([softmax(x), softmax(x)]), "softmax", None),
        "higher of sigmoids": (lambda x: layers.Maximum()([sigmoid(x), sigmoid(x)]), "sigmoid", None),
        "flattened": (lambda x: layers.Flatten()(layers.Reshape((1, 1, 2))(softmax(x))), "softmax", None),
        "dropped": (lambda x: layers.Dropout(0.5)(softmax(x)), "softmax", None),
        "linear after": (lambda x: layers.Activation("linear")(sigmoid(x)), "sigmoid", None),
        "activation": (lambda x: layers.Activation("sigmoid")(layers.Dense(1)(x)), "sigmoid", None),
        "softmax layer": (lambda x: layers.Softmax()(layers.Dense(2)(x)), "softmax", None),
        "joined logits": (
            lambda x: layers.Concatenate()([layers.Dense(1)(x), layers.Dense(1)(x)]),
            "linear",
            None,
        ),
        "softmax of one": (layers.Dense(1, activation="softmax"), "softmax", "softmax_of_one"),
        "softmax of one, dropped": (
            lambda x: layers.Dropout(0.1)(layers.Dense(1, activation="softmax")(x)),
            "softmax",
            "softmax_of_one",
        ),
        "two sigmoids": (
            layers.Dense(2, activation="sigmoid"),
            "sigmoid",
            "head_not_exclusive",
        ),
        "joined sigmoids": (
            lambda x: layers.Concatenate()([sigmoid(x), sigmoid(x)]),
            "sigmoid",
            "head_not_exclusive",
        ),
        "joined softmaxes": (
            lambda x: layers.Concatenate()([softmax(x), softmax(x)]),
            "other",
            "head_not_supported",
        ),
        "mixture": (
            lambda x: layers.Average()([sigmoid(x), layers.Dense(1)(x)]),
            "other",
            "head_not_supported",
        ),
        "relu": (layers.Dense(1, activation="relu"), "relu", "head_not_supported"),
        "map": (lambda x: layers.Reshape((1, 1, 2))(softmax(x)), "softmax", "output_not_supported"),
    }


HEADS = (
    *("sigmoid", "softmax", "logit", "mean of sigmoids", "mean of softmaxes", "higher of sigmoids"),
    *("flattened", "dropped", "linear after", "activation", "softmax layer", "joined logits"),
    *("softmax of one", "softmax of one, dropped", "two sigmoids", "joined sigmoids", "joined softmaxes"),
    *("mixture", "relu", "map"),
)


def ask_both(path, scaling="unit", input_size=None):
    """The code of the refusal by each door, None for none; a head of logits is declared as one."""
    found = inspect_file(path, input_size)
    output = "logits" if found.head == "linear" else "probabilities"
    declared = declare(
        band=BAND, scaling=scaling, classes=("benign", "malignant"), output=output, input_size=input_size
    )
    try:
        prepared, code = prepare_network(path, declared), None
    except UnsafeModelError as error:
        prepared, code = None, error.code
    promised = found.refusal["code"] if found.refusal else None
    assert promised == code, (found.refusal, code)
    return prepared, code


@pytest.mark.parametrize("name", HEADS)
def test_heads(name, tmp_path):
    head, kind, code = make_heads()[name]
    path = build(tmp_path / "network.h5", head)
    prepared, received = ask_both(path)
    assert received == code
    if code is None:
        assert find_head(examine_bytes(path.read_bytes()).plan) == kind
        assert prepared.specification.output == ("logits" if kind == "linear" else "probabilities")


def test_every_head_is_asked():
    assert set(make_heads()) == set(HEADS)


def prepare(path, **facts):
    facts = {"scaling": "unit", "classes": ("benign", "malignant"), **facts}
    return prepare_network(path, declare(band=BAND, **facts))


@pytest.mark.parametrize(
    ("name", "output", "code"),
    [
        ("sigmoid", "logits", "head_is_probabilities"),
        ("mean of softmaxes", "logits", "head_is_probabilities"),
        ("logit", "probabilities", "head_is_logits"),
        ("joined logits", "probabilities", "head_is_logits"),
    ],
)
def test_an_output_declared_as_what_it_is_not(name, output, code, tmp_path):
    path = build(tmp_path / "network.h5", make_heads()[name][0])
    with pytest.raises(UnsafeModelError) as caught:
        prepare(path, output=output)
    assert caught.value.code == code
    assert "Declare --output" in caught.value.message


def test_more_classes_than_outputs(tmp_path):
    path = build(tmp_path / "network.h5", make_heads()["softmax"][0])
    with pytest.raises(UnsafeModelError, match="one output a class") as caught:
        prepare(path, classes=("a", "b", "malignant"))
    assert caught.value.code == "declaration_differs"


@pytest.mark.parametrize(("weight", "code"), [(0.0, "tells_nothing_apart"), (np.nan, "outputs_not_finite")])
def test_a_network_that_learned_nothing(weight, code, tmp_path):
    import keras

    network = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Flatten()])
    network.add(keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"))
    network.layers[-1].set_weights([np.full((432, 1), weight), np.full(1, 0.2)])
    _, received = ask_both(save(network, tmp_path / "network.h5"))
    assert received == code


def test_layers_of_preprocessing(tmp_path):
    from keras import layers

    before = [
        layers.Resizing(16, 16),
        layers.CenterCrop(12, 12),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Rescaling(2.0, offset=-1.0),
        layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 1.0, 2.0]),
        layers.GaussianNoise(0.1),
        layers.RandomFlip(),
        layers.RandomRotation(0.1),
        layers.RandomZoom(0.1),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomContrast(0.1),
        layers.RandomBrightness(0.1),
        layers.RandomShear(0.1),
        layers.RandomHue(0.1),
        layers.RandomSaturation(0.1),
        layers.RandomGrayscale(0.5),
        layers.RandomErasing(0.5),
        layers.RandomGaussianBlur(0.5),
    ]
    _, code = ask_both(build(tmp_path / "network.h5", make_heads()["sigmoid"][0], before=before))
    assert code is None


def test_idle_layers_do_nothing_at_inference():
    """What the plan leaves out of an old file must be nothing."""
    import keras

    from ml.network_files.config_scan import IDLE

    arguments = {"RandomTranslation": (0.2, 0.2), "RandomFlip": (), "Identity": ()}
    pictures = np.random.default_rng(1).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    for kind in sorted(IDLE):
        made = getattr(keras.layers, kind, None)
        if made is None:  # of Keras 2 alone
            assert kind in ("RandomHeight", "RandomWidth")
            continue
        layer = made() if kind in ("Identity", "RandomFlip", "ActivityRegularization") else None
        if layer is None and kind in arguments:
            layer = made(*arguments[kind])
        if layer is None:
            layer = (
                made(factor=0.3)
                if kind.startswith("Random") and kind != "RandomZoom" and kind not in _OTHER
                else made(*_OTHER.get(kind, (0.3,)))
            )
        np.testing.assert_array_equal(np.asarray(layer(pictures, training=False)), pictures, err_msg=kind)


_OTHER = {
    "RandomZoom": (0.3,),
    "RandomPosterization": (4,),
    "RandomColorJitter": ((0, 255), 0.2, 0.2, 0.2, 0.2),
    "RandomPerspective": (0.5,),
    "RandomElasticTransform": (0.5,),
}


def test_mixed_precision_computes_in_full(tmp_path):
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        path = build(tmp_path / "network.h5", make_heads()["softmax"][0])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    prepared, code = ask_both(path)
    assert code is None
    assert b"mixed_float16" in prepared.data
    from ml.digests import digest_file
    from ml.network_files.loading import load_network

    network = load_network(path, sha256=digest_file(path))
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


# --- Files of Keras 2


POLICY = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
OLD_FILES = {
    "slashes": ([conv(name="conv1/conv"), pool(), dense(name="fc/out")], None),
    "slash and its like": ([conv(name="a/b"), conv(4, 4, name="a_b"), pool(), dense()], None),
    "augmentation": (
        [
            ("RandomFlip", {"mode": "horizontal", "seed": None}, []),
            ("RandomRotation", {"factor": 0.1, "fill_mode": "reflect", "fill_value": 0.0, "seed": None, "interpolation": "bilinear"}, []),
            ("RandomZoom", {"height_factor": 0.1, "width_factor": None, "fill_mode": "reflect"}, []),
            ("RandomHeight", {"factor": 0.1}, []),
            ("GaussianNoise", {"stddev": 0.1}, []),
            ("Rescaling", {"scale": 0.5, "offset": 0.1}, []),
            conv(),
            ("Dropout", {"rate": 0.3, "noise_shape": None, "seed": None}, []),
            pool(),
            dense(),
        ],
        None,
    ),
    "nearest": ([("UpSampling2D", {"size": [2, 3], "data_format": "channels_last", "interpolation": "nearest"}, []), conv(), pool(), dense()], None),
    "bilinear": ([("UpSampling2D", {"size": [2, 2], "data_format": "channels_last", "interpolation": "bilinear"}, []), conv(), pool(), dense()], None),
    "resized": ([("Resizing", {"height": 9, "width": 17, "interpolation": "bilinear", "crop_to_aspect_ratio": False}, []), conv(), pool(), dense()], None),
    "resized cubically": ([("Resizing", {"height": 15, "width": 7, "interpolation": "bicubic", "crop_to_aspect_ratio": False}, []), conv(), pool(), dense()], None),
    "resized to the nearest": ([("Resizing", {"height": 5, "width": 20, "interpolation": "nearest", "crop_to_aspect_ratio": False}, []), conv(), pool(), dense()], None),
    "cropped": ([("CenterCrop", {"height": 8, "width": 9}, []), conv(), pool(), dense()], None),
    "normalised": ([("Normalization", {"axis": [-1], "mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0], "invert": False}, []), conv(), pool(), dense()], None),
    "mixed precision": ([conv(dtype=POLICY), pool(), dense(dtype=POLICY)], None),
    "mixed precision of 2.15": ([conv(dtype={**POLICY, "module": "keras.mixed_precision", "registered_name": None}), pool(), dense()], None),
    "resized otherwise": ([("Resizing", {"height": 9, "width": 9, "interpolation": "lanczos3", "crop_to_aspect_ratio": False}, []), conv(), pool(), dense()], "layer_not_supported"),
    "another curve in Keras 3": ([conv(), pool(), dense(activation="hard_sigmoid")], "conversion_differs"),
    "an activation of Keras 3": ([conv(activation="hard_silu"), pool(), dense()], "layer_not_supported"),
    "softmax of one": ([conv(), pool(), dense(activation="softmax")], "softmax_of_one"),
    "nothing learned": ([("Conv2D", conv()[1], [np.zeros((3, 3, 3, 4)), np.zeros(4)]), pool(), dense()], "tells_nothing_apart"),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD_FILES)
def test_old_files(name, tmp_path):
    layers, expected = OLD_FILES[name]
    _, code = ask_both(write_keras2(tmp_path / "old.h5", layers))
    assert code == expected


def test_names_with_a_slash_keep_their_weights(tmp_path):
    """The same network under plain names says the same."""
    slashed = write_keras2(
        tmp_path / "a.h5", [conv(name="c/one"), conv(4, 4, name="c/two", seed=4), pool(), dense()]
    )
    plain = write_keras2(
        tmp_path / "b.h5", [conv(name="one"), conv(4, 4, name="two", seed=4), pool(), dense()]
    )
    said = [prepare(path).specification.training["references"]["drawn"] for path in (slashed, plain)]
    assert said[0] == pytest.approx(said[1], abs=1e-5)
    assert said[0][0] != said[0][1]


# --- The shared inputs


@needs_inputs
@pytest.mark.parametrize("name", sorted(Path(SHARED).glob("*.h5")), ids=lambda path: path.name)
def test_the_shared_networks(name):
    _, code = ask_both(name)
    assert code is None


@needs_inputs
def test_the_mean_of_two_sigmoids_is_no_logit():
    reference = (SHARED / "keras-reference-96.png").read_bytes()
    found = prepare(SHARED / "keras3-average-of-two-sigmoids.h5", reference=reference)
    assert found.reference_probability == pytest.approx(0.5233, abs=5e-4)
    found = prepare(SHARED / "keras3-sigmoid.h5", reference=reference)
    assert found.reference_probability == pytest.approx(0.0519, abs=5e-4)


# --- Keras's preprocess_input


@pytest.mark.parametrize("mode", ["caffe", "torch", "tf"])
def test_conventions_of_preprocess_input(mode, tmp_path):
    from keras.applications.imagenet_utils import preprocess_input

    from ml.serving.heads import make_floats

    pixels = np.random.default_rng(2).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
    prepared = prepare(build(tmp_path / "network.h5", make_heads()["sigmoid"][0]), scaling=mode)
    specification = prepared.specification
    assert specification.scaling == {"tf": "signed"}.get(mode, mode)
    expected = preprocess_input(pixels.astype("float32"), data_format="channels_last", mode=mode)
    np.testing.assert_allclose(make_floats(pixels, specification), expected, atol=1e-4)
