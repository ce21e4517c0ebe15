"""Sandboxed conversion process: rewrites one old network file; started by `conversion` alone.

"Before" is computed by `ml.network_files.reference_pass`: plain numpy over the old file's own wiring and
weights, sharing no code with Keras. "After" is what the new file gives once loaded as it will be
served. What Keras 3 can't read is rebuilt flat from the same plan that "before" follows, so
there the wiring is read once and only weights and arithmetic are compared; the tests hold both
against the outputs that Keras 2.4 and 2.15 themselves computed with such files.
"""

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.digests import digest_file
from ml.imaging.inputs import SCALINGS, scale_pixels
from ml.network_files.conversion import REFUSED, SECONDS
from ml.network_files.drawn_pictures import draw_pictures
from ml.network_files.errors import UnsafeModelError
from ml.network_files.loading import load_network, run_once
from ml.network_files.old_keras import build_flat, modernize_config, needs_plan
from ml.network_files.reference_pass import run_reference
from ml.network_files.scan import BROKEN, ScannedNetwork, scan_file
from ml.network_files.stored_weights import Weights, read_weights

if TYPE_CHECKING:
    import keras

MEMORY_BYTES = 24 * 1024**3  # of addresses; TensorFlow alone reserves several
FILE_BYTES = 2 * 1024**3
TOLERANCE = 1e-4
COMPARED = 3  # of the drawn pictures; the reference pass is slow
_FORBIDDEN = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")


def main(arguments: list[str]) -> int:
    """Convert `old.h5` in the folder named first to `new.h5`; returns the exit status."""
    folder = Path(arguments[0])
    size = tuple(map(int, arguments[1].split("x"))) if arguments[1] else None
    _limit_process()
    try:
        said, status = convert(folder, (size[0], size[1]) if size else None, arguments[2]), 0
    except UnsafeModelError as error:
        said, status = {"code": error.code, "message": error.message}, REFUSED
    (folder / "report.json").write_text(json.dumps(said), encoding="utf-8")
    return status


def convert(folder: Path, input_size: tuple[int, int] | None, scaling: str) -> dict[str, Any]:
    """Scan, compute before, rewrite, load, compute after and compare; returns the report."""
    import h5py

    source = folder / "old.h5"
    scanned = scan_file(source, input_size)
    pictures = draw_pictures(scanned.size_of_input(input_size))
    images = scale_pixels(pictures[:COMPARED], scaling)
    with h5py.File(source, mode="r") as root:
        weights = read_weights(root, scanned.plan, scanned.size)
    before = run_reference(scanned.plan, weights, images)
    target = folder / "new.h5"
    _take_over(folder, scanned, weights).save(target, include_optimizer=False)
    network = load_network(target, sha256=digest_file(target), input_size=input_size)
    after = run_once(network, images)
    difference = compare_outputs(before, after)
    said = {name: run_once(network, scale_pixels(pictures, name)).tolist() for name in SCALINGS}
    return {
        "difference": difference,
        "images": len(images),
        "keras_version": scanned.keras_version,
        "outputs": said,
    }


def compare_outputs(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Return the largest difference; raises UnsafeModelError `conversion_differs` past 1e-4."""
    if before.shape != after.shape or not np.all(np.isfinite(before)):
        raise UnsafeModelError(
            "conversion_differs", f"Expected outputs {before.shape}, finite, received {after.shape}."
        )
    difference = float(np.max(np.abs(before.astype(np.float64) - after)))
    if not difference <= TOLERANCE:
        raise UnsafeModelError(
            "conversion_differs",
            f"Expected the outputs of the old file within {TOLERANCE}, received a difference of {difference:.3g}.",
        )
    return difference


def _rewrite(source: Path, target: Path, config: dict[str, Any]) -> None:
    """Copy the old weights under the modernised architecture."""
    import h5py

    with h5py.File(source, mode="r") as old, h5py.File(target, mode="w") as new:
        old.copy("model_weights", new)
        new.attrs["model_config"] = json.dumps(modernize_config(config))


def _take_over(folder: Path, scanned: ScannedNetwork, weights: Weights) -> "keras.Model":
    """Build the network in Keras 3: by Keras's own reader, or from the plan what that can't read."""
    import keras

    try:
        if needs_plan(scanned.plan):
            return build_flat(scanned.plan, weights)
        _rewrite(folder / "old.h5", folder / "half.h5", scanned.config)
        return keras.saving.load_model(folder / "half.h5", compile=False, safe_mode=True)
    except (*BROKEN, NotImplementedError) as error:
        raise UnsafeModelError(
            "not_buildable", f"Expected a network Keras {keras.__version__} can take over: {error!s:.300}."
        ) from error


def _limit_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import keras  # noqa: F401 what it starts of its own while loading comes before the door shuts

    sys.addaudithook(_refuse_events)


def _refuse_events(event: str, _: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"Expected no {event} while converting a file.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
