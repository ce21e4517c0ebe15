"""Reading a model file: from a path that somebody names to the bytes of a plain HDF5 file, or why not."""

import os
import stat
from pathlib import Path

from ml.network_files.errors import UnsafeModelError
from ml.network_files.hdf5_scan import SIGNATURE

MAX_FILE_BYTES = 1024**3
_LFS = b"version https://git-lfs.github.com/spec/"


def read_model_file(path: str | os.PathLike[str]) -> bytes:
    """Read the plain local file `path`, once, if it begins as HDF5 does.

    A file reached by a symbolic link of its own name is refused, as are pipes and devices: both
    can hold something else a moment later. Raises UnsafeModelError: `remote_path`, `link_path`,
    `folder`, `not_a_file`, `file_missing`, `too_large`, `git_lfs_pointer`, `web_page`, `script`,
    `zip_archive`, `not_hdf5`.
    """
    text = os.fspath(path)
    if "://" in text:
        raise UnsafeModelError(
            "remote_path", "Expected a file on this machine, received an address. Download it first."
        )
    data = _read_plain(Path(text))
    if not data.startswith(SIGNATURE):
        raise _name_kind(data)
    return data


def _read_plain(path: Path) -> bytes:
    # Not blocking: a pipe without a writer would wait for ever. No following of a last link.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if path.is_symlink():
            raise UnsafeModelError("link_path", f"Expected a file, received the symbolic link {path.name}.")
        with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123 the descriptor's flags matter
            state = os.fstat(stream.fileno())
            if stat.S_ISDIR(state.st_mode):
                raise UnsafeModelError("folder", f"Expected a .h5 file, received the folder {path.name}.")
            if not stat.S_ISREG(state.st_mode):
                raise UnsafeModelError(
                    "not_a_file", f"Expected a file, received a pipe or device {path.name}."
                )
            if state.st_size > MAX_FILE_BYTES:
                raise UnsafeModelError(
                    "too_large", f"Expected at most {MAX_FILE_BYTES} bytes, received {state.st_size}."
                )
            return stream.read(MAX_FILE_BYTES)
    except IsADirectoryError as error:
        raise UnsafeModelError("folder", f"Expected a .h5 file, received the folder {path.name}.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, UnsafeModelError):
            raise
        raise UnsafeModelError(
            "file_missing",
            f"Expected a readable file {path.name}, received: {getattr(error, 'strerror', None) or error}.",
        ) from error


def _name_kind(data: bytes) -> UnsafeModelError:
    head = data[:1024].lstrip().lower()
    if data.startswith(_LFS):
        return UnsafeModelError(
            "git_lfs_pointer", "Expected the network, received a Git LFS pointer. Run `git lfs pull` first."
        )
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return UnsafeModelError(
            "web_page", "Expected the network, received a web page. Download the file itself."
        )
    if head.startswith((b"#!", b"import ", b"from ", b"<?php", b"@echo")):
        return UnsafeModelError("script", "Expected an HDF5 file, received a program.")
    if data.startswith(b"PK\x03\x04"):
        return UnsafeModelError(
            "zip_archive",
            "Expected an HDF5 file, received a zip archive, perhaps a .keras file. Save it as .h5.",
        )
    return UnsafeModelError(
        "not_hdf5", f"Expected an HDF5 file, received one beginning {data[:8].hex() or 'empty'}."
    )
