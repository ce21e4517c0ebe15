"""Files that Keras 2.4 and 2.15 wrote, with the outputs that those computed themselves."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from ml.digests import digest_bytes
from ml.network_files.conversion import convert_network
from ml.network_files.conversion_process import compare_outputs, convert
from ml.network_files.loading import UnsafeModelError, load_network
from ml.network_files.reference_pass import run_reference
from ml.network_files.scan import scan_file
from ml.network_files.stored_weights import read_weights

FOLDER = Path(__file__).parent / "old_networks"
OUTPUTS = json.loads((FOLDER / "outputs.json").read_text())


def draw(size):
    pixels = np.random.RandomState(7).randint(0, 256, (3, *size, 3))  # as the old Keras drew
    return (pixels.astype("float32") / 255.0).astype("float32")


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_reference_pass_computes_what_the_old_keras_did(name):
    known = OUTPUTS[name]
    scanned = scan_file(FOLDER / name, tuple(known["size"]))
    assert scanned.is_old
    assert scanned.keras_version == known["keras"]
    with h5py.File(FOLDER / name) as root:
        weights = read_weights(root, scanned.plan, scanned.size)
    output = run_reference(scanned.plan, weights, draw(known["size"]))
    np.testing.assert_allclose(output, known["output"], atol=2e-6)


# One nested network that Keras 3 refuses, and one of open size; the others go the same two ways.
def test_an_old_file_is_converted_in_the_other_process_and_then_says_the_same(tmp_path):
    name = "k24-teachable.h5"
    made = convert_network((FOLDER / name).read_bytes(), input_size=tuple(OUTPUTS[name]["size"]))
    assert digest_bytes(made.data) == made.sha256
    (tmp_path / "new.h5").write_bytes(made.data)
    check_converted(name, tmp_path / "new.h5", made.difference, made.keras_version)


def test_an_old_file_is_converted_and_then_says_the_same(tmp_path):
    """By what the other process calls, in this one: each start loads Keras anew."""
    name = "k215-seven.h5"
    (tmp_path / "old.h5").write_bytes((FOLDER / name).read_bytes())
    said = convert(tmp_path, tuple(OUTPUTS[name]["size"]), "unit")
    check_converted(name, tmp_path / "new.h5", said["difference"], said["keras_version"])


def check_converted(name, path, difference, keras_version):
    known = OUTPUTS[name]
    size = tuple(known["size"])
    assert difference < 1e-5
    assert keras_version == known["keras"]
    assert not scan_file(path, size).is_old
    network = load_network(path, sha256=digest_bytes(path.read_bytes()), input_size=size)
    np.testing.assert_allclose(network.predict_on_batch(draw(size)), known["output"], atol=1e-5)


def write_other_activation(source, target, activation):
    """The same Keras 2 file with another activation after its convolution."""
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "r+") as root:
        written = root.attrs["model_config"]
        assert '"activation": "relu"' in written
        root.attrs["model_config"] = written.replace('"activation": "relu"', f'"activation": "{activation}"')


def test_an_activation_that_keras_3_computes_otherwise_is_found(tmp_path):
    """Keras 3 loads it without a word: only the reference pass knows what the file meant."""
    name = "k215-sequential.h5"
    size = tuple(OUTPUTS[name]["size"])
    write_other_activation(FOLDER / name, tmp_path / "old.h5", "hard_sigmoid")
    with pytest.raises(UnsafeModelError) as caught:
        convert(tmp_path, size, "unit")
    assert caught.value.code == "conversion_differs"
    write_other_activation(FOLDER / name, tmp_path / "old.h5", "gelu")  # the same in both
    assert convert(tmp_path, size, "unit")["difference"] < 1e-5


def test_other_outputs_after_than_before_are_refused():
    before = np.full((3, 1), 0.5)
    assert compare_outputs(before, before + 1e-6) < 1e-5
    for after in (before + 1e-3, before + np.nan, np.full((3, 2), 0.5)):
        with pytest.raises(UnsafeModelError) as caught:
            compare_outputs(before, after)
        assert caught.value.code == "conversion_differs"


def test_a_refusal_in_the_other_process_keeps_its_code():
    with pytest.raises(UnsafeModelError) as caught:
        convert_network(b"\x89HDF\r\n\x1a\nand no more")
    assert caught.value.code == "unreadable"


def test_the_other_process_cannot_open_a_connection():
    from ml.network_files.conversion_process import _refuse_events

    _refuse_events("open", ())
    with pytest.raises(PermissionError):
        _refuse_events("socket.connect", ())
