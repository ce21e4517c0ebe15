"""What must hold before anything starts; each fault is one clear sentence."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import sys
from typing import IO

from portal.operations.stack.configuration import StackConfiguration, StackError

NEEDED_PYTHON = (3, 11)
NEEDED_BYTES = 500 * 1024**2
SOCKET_PATH_BYTES = 107  # sun_path of Linux, less its end


def check_python() -> None:
    if sys.version_info[:2] != NEEDED_PYTHON:
        received = ".".join(map(str, sys.version_info[:3]))
        raise StackError(f"Dermaport needs Python 3.11; this is Python {received}. Start it with: make run")


def check_folder(configuration: StackConfiguration) -> None:
    """`var` and what lies in it can be written and has room."""
    var = configuration.var
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration.run.mkdir(exist_ok=True, mode=0o700)
        probe = configuration.run / "probe"
        probe.write_bytes(b"0")
        probe.unlink()
        free = shutil.disk_usage(var).free
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StackError(full_disk_sentence(configuration, 0)) from error
        raise StackError(
            f"The data folder {var} can't be written ({os.strerror(error.errno or 0)}). "
            "Change its owner, or name another one with DERMAPORT_VAR."
        ) from error
    if free < NEEDED_BYTES:
        raise StackError(full_disk_sentence(configuration, free))
    length = len(os.fsencode(configuration.socket))
    if configuration.broker_url is None and length > SOCKET_PATH_BYTES:
        raise StackError(
            f"The path {configuration.socket} has {length} bytes; a socket's path may have {SOCKET_PATH_BYTES}. "
            "Name a shorter folder with DERMAPORT_VAR."
        )


def full_disk_sentence(configuration: StackConfiguration, free: int) -> str:
    return (
        f"The disk that holds {configuration.var} is full: {free // 1024**2} MB are free and "
        f"{NEEDED_BYTES // 1024**2} MB are needed. Make room, or name another folder with DERMAPORT_VAR."
    )


def check_port(configuration: StackConfiguration) -> None:
    family = socket.AF_INET6 if ":" in configuration.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((configuration.host, configuration.port))
        except OSError as error:
            raise StackError(port_sentence(configuration, error)) from error


def port_sentence(configuration: StackConfiguration, error: OSError) -> str:
    port = configuration.port
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another one: make run PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} may be used by root only. Choose one above 1023: make run PORT=8000"
    return f"The address {configuration.host}:{port} can't be used ({error.strerror}). Change HOST or PORT."


def take_lock(configuration: StackConfiguration) -> IO[str]:
    """Hold `var` for this stack; the kernel gives it back when the process ends, however it ends."""
    file = (configuration.run / "stack.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise StackError(
            f"Dermaport already runs on {configuration.var} (process {owner}). Stop it with Ctrl-C, or name "
            "another folder with DERMAPORT_VAR."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
