"""Conversion of a Keras 2 file to Keras 3, once, in a process that is thrown away."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml.digests import digest_bytes
from ml.network_files.errors import UnsafeModelError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600
REFUSED = 3


@dataclass(frozen=True, slots=True)
class Conversion:
    """The new file's bytes and how it compares with the old one on fixed images.

    `difference`: the largest between both outputs, on `images` images; `keras_version`: of the
    old file. `outputs`: what the new one says of the drawn pictures, (n, columns) by name of scaling.
    """

    data: bytes
    sha256: str
    difference: float
    images: int
    keras_version: str
    outputs: dict[str, list[list[float]]]


def convert_network(
    data: bytes, *, input_size: tuple[int, int] | None = None, scaling: str = "unit"
) -> Conversion:
    """Convert the bytes of a scanned old `.h5` file.

    The other process (`ml.network_files.conversion_process`) scans the bytes again, has an empty environment, a
    private folder, limits on memory, time and files, and no way to open a connection or start a
    program from Python. Raises UnsafeModelError: what the scan raises, `conversion_differs` when
    the outputs before and after are not the same, `conversion_failed` when the process dies.
    """
    with tempfile.TemporaryDirectory(prefix="dermaport-conversion-") as folder:
        source, target, report = (Path(folder) / name for name in ("old.h5", "new.h5", "report.json"))
        source.write_bytes(data)
        size = "x".join(map(str, input_size)) if input_size else ""
        command = [sys.executable, "-m", "ml.network_files.conversion_process", folder, size, scaling]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=_make_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UnsafeModelError(
                "conversion_failed", f"Expected a conversion within {SECONDS} s, received none."
            ) from error
        said = json.loads(report.read_text("utf-8")) if report.is_file() else {}
        if done.returncode == REFUSED and said:
            raise UnsafeModelError(said["code"], said["message"])
        if done.returncode != 0 or not said:
            raise UnsafeModelError(
                "conversion_failed", f"Expected a converted file, received exit status {done.returncode}."
            )
        made = target.read_bytes()
    return Conversion(
        made, digest_bytes(made), said["difference"], said["images"], said["keras_version"], said["outputs"]
    )


def _make_environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "KERAS_BACKEND", "LANG") if name in os.environ}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **quiet, "HOME": folder, "KERAS_HOME": folder, "TMPDIR": folder}
