import h5py
import numpy as np
import pytest

from ml.network_files.config_scan import check_config
from ml.training.backbones import BACKBONES, build_backbone, describe_weights, find_weights, freeze_statistics

# Published counts of the networks without their head (keras.io/api/applications), and what the
# head adds: one weight a feature and one bias; "caffe" networks swap colours by 12 fixed numbers.
COUNTS = {
    "vgg-16": (14_714_688, 512 + 1 + 12),
    "resnet-50": (23_587_712, 2048 + 1 + 12),
    "inception-v3": (21_802_784, 2048 + 1),
    "inception-resnet-v2": (54_336_736, 1536 + 1),
    "densenet-201": (18_321_984, 1920 + 1 + 7),
    "efficientnetv2-b0": (5_919_312, 1280 + 1),
    "mobilenetv2-0.35": (410_208, 1280 + 1),
}
SMALLEST = "mobilenetv2-0.35"


@pytest.fixture(scope="module")
def small():
    return build_backbone(SMALLEST, 32, None)


def test_every_backbone_has_its_count_here():
    assert set(COUNTS) == set(BACKBONES)


@pytest.mark.parametrize("name", ["vgg-16", "resnet-50"])
def test_a_backbone_has_the_published_parameters_and_the_head(name):
    model = build_backbone(name, BACKBONES[name].smallest, None)
    assert model.count_params() == sum(COUNTS[name])
    assert model.output_shape == (None, 1)
    assert model.layers[-1].name == "malignant"


def test_a_saved_backbone_may_be_loaded(small, tmp_path):
    from ml.network_files.loading import load_network
    from ml.training.release import save_network

    model = small
    check_config(model.to_json())
    assert model.count_params() == sum(COUNTS[SMALLEST])
    sha256 = save_network(model, tmp_path / "network.h5")
    loaded = load_network(tmp_path / "network.h5", sha256=sha256)
    image = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(loaded(image, training=False)), np.asarray(model(image, training=False)), atol=1e-6
    )


def test_preprocessing_is_that_of_keras(small):
    import keras

    image = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    prepare = keras.applications.imagenet_utils.preprocess_input
    vgg = build_backbone("vgg-16", 32, None)
    for model, layer, mode in ((vgg, "to_bgr", "caffe"), (small, "to_signed", "tf")):
        inside = keras.Model(model.inputs, model.get_layer(layer).output)(image)
        np.testing.assert_allclose(np.asarray(inside), prepare(image.copy(), mode=mode), atol=1e-3)


def test_statistics_stay_as_they_were(small):
    freeze_statistics(small)
    learning = [variable.path for variable in small.trainable_variables]
    assert learning
    assert not any("BN" in path or "bn_" in path for path in learning)


def test_imagenet_weights_are_taken_and_named(monkeypatch):
    path = find_weights(SMALLEST)
    if path is None:
        pytest.skip("the ImageNet weights are not on this machine; set DERMAPORT_WEIGHTS")
    built = build_backbone(SMALLEST, 32, path).get_layer("Conv1").get_weights()[0]
    with h5py.File(path) as file:
        assert np.array_equal(built, file["Conv1/Conv1/kernel:0"][()])
    assert describe_weights(path).startswith("ImageNet, mobilenet_v2_0.35_224_no_top.h5, SHA-256 c7f8cfdf")
    monkeypatch.setenv("DERMAPORT_WEIGHTS", "/nowhere")
    assert find_weights(SMALLEST) is None


def test_without_weights_it_says_random():
    assert find_weights("vgg-16") is None
    assert describe_weights(None) == "random"
