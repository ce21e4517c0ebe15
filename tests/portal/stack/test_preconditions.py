"""Each thing that stops a start is one sentence that says what to change."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from portal.operations.stack import preconditions
from portal.operations.stack.configuration import PROJECT, StackConfiguration, StackError
from tests.support.ports import free_port


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def configuration(tmp_path: Path) -> StackConfiguration:
    return StackConfiguration(var=tmp_path / "var", host="127.0.0.1", port=free_port(), broker_url=None)


def test_free_port_is_accepted(configuration):
    preconditions.check_port(configuration)


def test_taken_port_is_named_with_the_way_out(configuration):
    with socket.socket() as other:
        other.bind((configuration.host, configuration.port))
        other.listen()
        with pytest.raises(StackError) as refused:
            preconditions.check_port(configuration)

    assert f"Port {configuration.port} is taken" in str(refused.value)
    assert f"make run PORT={configuration.port + 1}" in str(refused.value)


def test_run_ends_with_that_sentence_and_no_traceback(configuration):
    environment = {
        **os.environ,
        "DERMAPORT_VAR": str(configuration.var),
        "PORT": str(configuration.port),
        "HOST": "127.0.0.1",
    }
    with socket.socket() as other:
        other.bind((configuration.host, configuration.port))
        other.listen()
        done = subprocess.run(
            [sys.executable, "-m", "portal.operations.stack", "run"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert f"Port {configuration.port} is taken" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["abc", "0", "70000", "-1"])
def test_port_must_be_a_port(monkeypatch, value):
    monkeypatch.setenv("PORT", value)

    with pytest.raises(StackError, match="PORT: expected a number from 1 to 65535"):
        StackConfiguration.from_environment()


def test_full_disk_says_how_much_is_free_and_needed(configuration, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 3 * 1024**2))

    with pytest.raises(StackError, match="3 MB are free and 500 MB are needed"):
        preconditions.check_folder(configuration)


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    configuration = StackConfiguration(
        var=tmp_path / "file" / "var", host="127.0.0.1", port=1, broker_url=None
    )

    with pytest.raises(StackError, match=r"The data folder .* can't be written"):
        preconditions.check_folder(configuration)


def test_socket_path_that_is_too_long_is_refused(tmp_path):
    configuration = StackConfiguration(var=tmp_path / ("x" * 100), host="127.0.0.1", port=1, broker_url=None)

    with pytest.raises(StackError, match="a socket's path may have 107"):
        preconditions.check_folder(configuration)


def test_second_stack_on_one_folder_is_refused(configuration):
    preconditions.check_folder(configuration)
    owner = rf"already runs on .* \(process {os.getpid()}\)"
    with preconditions.take_lock(configuration), pytest.raises(StackError, match=owner):
        preconditions.take_lock(configuration)

    preconditions.take_lock(configuration).close()


def test_wrong_python_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))

    with pytest.raises(StackError, match=r"needs Python 3\.11; this is Python 3\.12\.1"):
        preconditions.check_python()
