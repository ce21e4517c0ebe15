"""What `inspect` promises of a file, registration keeps: both doors, many files, one answer."""

import numpy as np
import pytest

from ml.network_files.config_scan import IDLE
from ml.network_files.errors import UnsafeModelError
from ml.network_files.head import check_head, find_head
from ml.network_files.inspection import examine_bytes, inspect_file
from ml.network_files.limits import NetworkSize
from ml.network_files.plan import NetworkPlan, PlanStep
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
        "scaled sigmoid": (lambda x: layers.Rescaling(2.0)(sigmoid(x)), "other", "head_not_supported"),
        "relu": (layers.Dense(1, activation="relu"), "relu", "head_not_supported"),
        "map": (lambda x: layers.Reshape((1, 1, 2))(softmax(x)), "softmax", "output_not_supported"),
    }


HEADS = (
    *("sigmoid", "softmax", "logit", "mean of sigmoids", "mean of softmaxes", "higher of sigmoids"),
    *("flattened", "dropped", "linear after", "activation", "softmax layer", "joined logits"),
    *("softmax of one", "softmax of one, dropped", "two sigmoids", "joined sigmoids", "joined softmaxes"),
    *("mixture", "scaled sigmoid", "relu", "map"),
)


@pytest.mark.parametrize(("kind", "count"), [("Average", 80), ("Dropout", 1900)])
def test_a_head_behind_many_layers_is_found_at_once(kind, count):
    """Each way back to it would be two to the eightieth steps, or deeper than Python goes."""
    steps = [PlanStep("Dense", "head", {"activation": "softmax"}, (0,), 0)]
    sources = (lambda at: (at, at)) if kind == "Average" else lambda at: (at,)
    steps += [PlanStep(kind, f"{at}", {}, sources(at), at) for at in range(1, count + 1)]
    plan = NetworkPlan(steps, [], len(steps), (4, 4, 3))
    assert find_head(plan) == "softmax"
    check_head(plan, NetworkSize(0, (2,), {}, ((4, 4, 3), *[(2,)] * len(steps))))


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


# Of what registers, a few are really tried; what is refused costs nothing, and is asked at both doors.
TRIED = ("softmax", "mean of sigmoids", "flattened", "joined logits")


@pytest.mark.parametrize("name", HEADS)
def test_heads(name, tmp_path):
    head, kind, code = make_heads()[name]
    path = build(tmp_path / "network.h5", head)
    if code is None:
        assert find_head(examine_bytes(path.read_bytes()).plan) == kind
    if code or name in TRIED:
        prepared, received = ask_both(path)
        assert received == code
        assert prepared is None or prepared.specification.output == (
            "logits" if kind == "linear" else "probabilities"
        )


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
    """All that Keras 3 can write into this format; others it fails to save, or to read again."""
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
        layers.RandomHue(0.1),
        layers.RandomGrayscale(0.5),
        layers.RandomErasing(0.5),
        layers.RandomGaussianBlur(0.5),
    ]
    _, code = ask_both(build(tmp_path / "network.h5", make_heads()["sigmoid"][0], before=before))
    assert code is None


# Of layers that take something else than a rate.
ARGUMENTS = {
    "Identity": (),
    "ActivityRegularization": (),
    "RandomFlip": (),
    "RandomTranslation": (0.2, 0.2),
    "RandomShear": (0.3, 0.3),
    "RandomPosterization": (4,),
    "RandomColorJitter": ((0, 255), 0.2, 0.2, 0.2, 0.2),
}


def test_idle_layers_do_nothing_at_inference():
    """What the plan leaves out of an old file must be nothing."""
    import keras

    pictures = np.random.default_rng(1).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    for kind in sorted(IDLE):
        made = getattr(keras.layers, kind, None)
        if made is None:
            assert kind in ("RandomHeight", "RandomWidth")  # of Keras 2 alone
            continue
        layer = made(*ARGUMENTS.get(kind, (0.3,)))
        np.testing.assert_array_equal(np.asarray(layer(pictures, training=False)), pictures, err_msg=kind)


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
NEWER_POLICY = {**POLICY, "module": "keras.mixed_precision", "registered_name": None}


def enlarge(size, interpolation):
    config = {"size": size, "data_format": "channels_last", "interpolation": interpolation}
    return "UpSampling2D", {"name": f"larger_{interpolation}", **config}, []


def resize(height, width, interpolation):
    config = {"height": height, "width": width, "interpolation": interpolation, "crop_to_aspect_ratio": False}
    return "Resizing", {"name": f"resized_{interpolation}", **config}, []


OLD_FILES = {
    "slashes": ([conv(name="a/b"), conv(4, 4, name="a_b", seed=4), pool(), dense(name="fc/out")], None),
    "augmentation, mixed precision": (
        [
            ("RandomFlip", {"mode": "horizontal", "seed": None}, []),
            ("RandomRotation", {"factor": 0.1, "fill_mode": "reflect", "fill_value": 0.0, "seed": None}, []),
            ("RandomZoom", {"height_factor": 0.1, "width_factor": None, "fill_mode": "reflect"}, []),
            ("RandomHeight", {"factor": 0.1}, []),
            ("GaussianNoise", {"stddev": 0.1}, []),
            ("Rescaling", {"scale": 0.5, "offset": 0.1}, []),
            conv(dtype=POLICY),
            ("Dropout", {"rate": 0.3, "noise_shape": None, "seed": None}, []),
            pool(),
            dense(dtype=NEWER_POLICY),
        ],
        None,
    ),
    "preprocessing": (
        [
            enlarge([2, 3], "nearest"),
            resize(9, 17, "bilinear"),
            resize(15, 7, "bicubic"),
            resize(14, 20, "nearest"),
            ("CenterCrop", {"height": 9, "width": 13}, []),
            enlarge([2, 1], "bilinear"),
            ("RandomCrop", {"height": 7, "width": 11, "seed": None}, []),
            ("CenterCrop", {"name": "center_crop_larger", "height": 10, "width": 9}, []),
            (
                "Resizing",
                {"height": 9, "width": 8, "interpolation": "bilinear", "crop_to_aspect_ratio": True},
                [],
            ),
            ("Normalization", {"axis": [-1], "mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}, []),
            conv(),
            pool(),
            dense(),
        ],
        None,
    ),
    "resized otherwise": ([resize(9, 9, "lanczos3"), conv(), pool(), dense()], "layer_not_supported"),
    "another curve in Keras 3": ([conv(), pool(), dense(activation="hard_sigmoid")], "conversion_differs"),
    "an activation of Keras 3": ([conv(activation="hard_silu"), pool(), dense()], "layer_not_supported"),
    "softmax of one": ([conv(), pool(), dense(activation="softmax")], "softmax_of_one"),
    "nothing learned": (
        [("Conv2D", conv()[1], [np.zeros((3, 3, 3, 4)), np.zeros(4)]), pool(), dense()],
        "tells_nothing_apart",
    ),
}


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
@pytest.mark.parametrize("name", sorted(SHARED.glob("*.h5")), ids=lambda path: path.name)
def test_the_shared_networks(name):
    _, code = ask_both(name)
    assert code is None


@needs_inputs
def test_the_mean_of_two_sigmoids_is_no_logit():
    reference = (SHARED / "keras-reference-96.png").read_bytes()
    found = prepare(SHARED / "keras3-average-of-two-sigmoids.h5", reference=reference)
    assert found.reference_probability == pytest.approx(0.5233, abs=5e-4)
    with pytest.raises(UnsafeModelError, match="ends in a sigmoid already"):
        prepare(SHARED / "keras3-sigmoid.h5", reference=reference, output="logits")


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
