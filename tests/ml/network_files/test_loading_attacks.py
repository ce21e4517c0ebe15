"""What is refused by its path or kind, before HDF5 or Keras sees it."""

import os

import h5py
import numpy as np
import pytest

from ml.network_files.loading import UnsafeModelError
from ml.network_files.model_file import read_model_file
from ml.network_files.scan import scan_file

KINDS = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 10\n": "git_lfs_pointer",
    b"<!DOCTYPE html><html><body>404</body></html>": "web_page",
    b"\n  <html>": "web_page",
    b"#!/bin/sh\nrm -rf x\n": "script",
    b"import os\n": "script",
    b"PK\x03\x04 a zip, so a .keras file": "zip_archive",
    b"\x80\x04pickle": "not_hdf5",
    b"": "not_hdf5",
}


def refuse(path):
    with pytest.raises(UnsafeModelError) as caught:
        read_model_file(path)
    assert caught.value.message.startswith("Expected")
    return caught.value.code


@pytest.mark.parametrize("content", KINDS)
def test_the_kind_of_another_file_is_named(content, tmp_path):
    path = tmp_path / "network.h5"
    path.write_bytes(content)
    assert refuse(path) == KINDS[content]


@pytest.mark.parametrize("address", ["http://", "https://", "s3://", "gs://", "hdfs://", "file://"])
def test_an_address_is_refused(address):
    assert refuse(f"{address}example.org/network.h5") == "remote_path"


def test_links_folders_pipes_and_devices_are_refused(tmp_path):
    (tmp_path / "target.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "link.h5").symlink_to(tmp_path / "target.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    assert refuse(tmp_path / "link.h5") == "link_path"
    assert refuse(tmp_path / "pipe.h5") == "not_a_file"
    assert refuse(tmp_path) == "folder"
    assert refuse("/dev/null") == "not_a_file"
    assert refuse(tmp_path / "none.h5") == "file_missing"


def refuse_tree(path):
    with pytest.raises(UnsafeModelError) as caught:
        scan_file(path)
    return caught.value.code


def test_data_that_inflates_is_refused(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as root:
        root.create_dataset("zeros", data=np.zeros(2**22, "f4"), compression="gzip", compression_opts=9)
    assert path.stat().st_size < 2**18
    assert refuse_tree(path) == "inflating_data"


def test_attributes_of_unusual_size_or_number_are_refused(tmp_path):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", libver="latest") as root:
        root.attrs["layer_names"] = np.zeros(2**21, "u1")
    assert refuse_tree(path) == "too_large"
    with h5py.File(path, "w", libver="latest") as root:
        for number in range(200):
            root.attrs[f"a{number}"] = 1
    assert refuse_tree(path) == "too_complex"


def test_an_enormous_architecture_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ml.network_files.hdf5_scan.MAX_CONFIG_BYTES", 1000)
    path = tmp_path / "config.h5"
    with h5py.File(path, "w") as root:
        root.attrs["model_config"] = '{"class_name": "Sequential", "config": {}}' + " " * 2000
    assert refuse_tree(path) == "config_malformed"
