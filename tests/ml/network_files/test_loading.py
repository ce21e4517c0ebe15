import h5py
import pytest

from ml.digests import digest_file
from ml.network_files.loading import UnsafeModelError, load_network
from ml.network_files.scan import scan_file
from ml.training.architectures import build_paper_cnn_2
from ml.training.release import save_network
from tests.ml.network_files.attacks import CONFIG_ATTACKS, TREE_ATTACKS, change_config, copy_network


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "network.h5"
    save_network(build_paper_cnn_2(32), path)
    return path


def refuse(path, **arguments):
    with pytest.raises(UnsafeModelError) as caught:
        load_network(path, sha256=arguments.get("sha256", digest_file(path) if path.is_file() else "0" * 64))
    assert caught.value.message.startswith("Expected")
    return caught.value.code


def test_a_good_file_loads_with_its_weights_and_without_an_optimizer(good):
    network = load_network(good, sha256=digest_file(good))
    assert network.output_shape == (None, 1)
    assert getattr(network, "optimizer", None) is None
    with h5py.File(good) as root:
        assert set(root) == {"model_weights"}
        stored = root["model_weights/conv_1"]
        kernels = []
        stored.visititems(lambda name, item: kernels.append(item[()]) if name.endswith("kernel") else None)
        assert (network.get_layer("conv_1").kernel.numpy() == kernels[0]).all()


def test_saving_the_same_network_twice_gives_the_same_bytes(good, tmp_path):
    network = load_network(good, sha256=digest_file(good))
    assert save_network(network, tmp_path / "again.h5") == digest_file(good)
    assert [entry.name for entry in tmp_path.iterdir()] == ["again.h5"]


def test_a_functional_network_with_branches_is_allowed(tmp_path):
    import keras

    image = keras.Input((16, 16, 3))
    left = keras.layers.Conv2D(2, 3)(image)
    right = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3)(image))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([left, right]))
    path = tmp_path / "branches.h5"
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(pooled)).save(path)
    assert load_network(path, sha256=digest_file(path)).output_shape == (None, 2)


def test_another_hash_is_refused_before_anything_is_opened(good, monkeypatch):
    monkeypatch.setattr("h5py.File", None)
    assert refuse(good, sha256="0" * 64) == "sha256_mismatch"


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refuse(tmp_path / "none.h5") == "file_missing"
    (tmp_path / "folder.h5").mkdir()
    assert refuse(tmp_path / "folder.h5") == "folder"


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\x89HDF"])
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    path = tmp_path / "other.h5"
    path.write_bytes(content)
    assert refuse(path) == "not_hdf5"


def test_an_hdf5_file_behind_another_file_is_refused(good, tmp_path):
    path = tmp_path / "polyglot.h5"
    path.write_bytes(b"#!/bin/sh\n".ljust(512) + good.read_bytes())
    assert refuse(path) == "script"


@pytest.mark.parametrize("kept", [9, 100, 3000, 0.5, 0.99])
def test_a_truncated_file_is_refused(good, tmp_path, kept):
    data = good.read_bytes()
    path = tmp_path / "short.h5"
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    assert refuse(path) == "unreadable"


def test_a_file_over_the_limit_is_not_read(good, monkeypatch):
    monkeypatch.setattr("ml.network_files.model_file.MAX_FILE_BYTES", 1000)
    assert refuse(good) == "too_large"


@pytest.mark.parametrize("attack", TREE_ATTACKS, ids=lambda attack: attack.__name__)
def test_a_tree_that_reaches_outside_is_refused(good, tmp_path, attack):
    path = copy_network(good, tmp_path)
    with h5py.File(path, "r+") as root:
        attack(root)
    assert refuse(path) == TREE_ATTACKS[attack]


@pytest.mark.parametrize("name", CONFIG_ATTACKS)
def test_an_architecture_that_names_code_is_refused(good, tmp_path, name):
    change, code = CONFIG_ATTACKS[name]
    path = copy_network(good, tmp_path)
    change_config(path, change)
    assert refuse(path) == code


@pytest.mark.parametrize(
    "name", [name for name, (_, code) in CONFIG_ATTACKS.items() if code != "not_buildable"]
)
def test_nothing_is_built_of_a_refused_architecture(good, tmp_path, name, monkeypatch):
    def build(*_, **__):
        raise AssertionError("Keras was asked to build it")

    monkeypatch.setattr("keras.saving.load_model", build)
    path = copy_network(good, tmp_path)
    change_config(path, CONFIG_ATTACKS[name][0])
    refuse(path)


def test_a_cycle_of_hard_links_ends(good, tmp_path):
    path = copy_network(good, tmp_path)
    with h5py.File(path, "r+") as root:
        root["model_weights/again"] = root["model_weights"]
    assert load_network(path, sha256=digest_file(path)).output_shape == (None, 1)


def test_the_file_may_be_exchanged_after_the_check_without_effect(good, tmp_path, monkeypatch):
    path = copy_network(good, tmp_path)
    sha256 = digest_file(path)
    read = []

    def exchange(copy, size):
        read.append(copy)
        path.write_bytes(b"something else")
        return scan_file(copy, size)

    monkeypatch.setattr("ml.network_files.loading.scan_file", exchange)
    assert load_network(path, sha256=sha256).output_shape == (None, 1)
    assert not read[0].exists()
