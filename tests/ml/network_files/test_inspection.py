import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.digests import digest_file
from ml.network_files.loading import load_network
from ml.network_files.scan import scan_file

OLD = Path(__file__).parent / "old_networks"


def inspect(path, capsys, *options):
    status = main(["inspect", str(path), "--json", *options])
    return status, json.loads(capsys.readouterr().out)


@pytest.fixture
def nothing_is_tried(monkeypatch):
    """What a file says of itself is read; trying it out is for `test_promises`."""
    monkeypatch.setattr("ml.network_files.inspection.rehearse", lambda *_: None)


@pytest.mark.usefixtures("nothing_is_tried")
def test_an_old_file_is_described_without_keras(capsys, monkeypatch):
    monkeypatch.setattr("keras.saving.load_model", None)
    status, found = inspect(OLD / "k24-teachable.h5", capsys)
    assert status == 0
    assert found["refusal"] is None
    assert (found["keras_version"], found["converts"]) == ("2.4.0", True)
    assert (found["input_shape"], found["outputs"], found["head"]) == ([8, 8, 3], 2, "softmax")
    assert found["parameters"] == 227
    assert found["layers"]["DepthwiseConv2D"] == 1
    assert found["sha256"] == digest_file(OLD / "k24-teachable.h5")


@pytest.mark.usefixtures("nothing_is_tried")
def test_an_open_input_must_be_declared(capsys):
    _, found = inspect(OLD / "k215-seven.h5", capsys)
    assert found["input_shape"] == [None, None, 3]
    assert "input size" in found["must_declare"]


@pytest.mark.parametrize(
    ("content", "code"), [(b"<html>", "web_page"), (b"PK\x03\x04", "zip_archive"), (b"x", "not_hdf5")]
)
def test_a_refused_file_has_a_status_a_hash_and_a_sentence(content, code, tmp_path, capsys):
    path = tmp_path / "network.h5"
    path.write_bytes(content)
    status, found = inspect(path, capsys)
    assert status == 1
    assert found["refusal"]["code"] == code
    assert found["refusal"]["message"].startswith("Expected")
    assert found["sha256"] == digest_file(path)
    assert main(["inspect", str(path)]) == 1
    assert f"Refused       {code}: Expected" in capsys.readouterr().out


def test_a_network_of_keras_applications_is_allowed_and_measured_right(tmp_path):
    import keras

    network = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=2)
    path = tmp_path / "mobile.h5"
    network.save(path, include_optimizer=False)
    scanned = scan_file(path)
    assert not scanned.is_old
    assert scanned.size.parameters == network.count_params()
    assert scanned.size.outputs == (2,)
    assert load_network(path, sha256=digest_file(path)).count_params() == network.count_params()


def test_the_scaling_layer_of_keras_own_inception_resnet_is_allowed(tmp_path):
    import keras
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    image = keras.Input((8, 8, 3))
    scaled = CustomScaleLayer(0.2)([image, keras.layers.Conv2D(3, 1)(image)])
    path = tmp_path / "scaled.h5"
    keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(scaled))).save(path)
    assert load_network(path, sha256=digest_file(path)).output_shape == (None, 2)
