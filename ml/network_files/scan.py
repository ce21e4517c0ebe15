"""Security scan of a network file: every check in order, with nothing of the file executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.network_files.config_scan import check_config
from ml.network_files.errors import UnsafeModelError
from ml.network_files.hdf5_scan import read_config_text, read_text_attribute, scan_tree
from ml.network_files.limits import NetworkSize, fill_input, measure_network
from ml.network_files.plan import NetworkPlan
from ml.network_files.stored_weights import match_weights

BROKEN = (OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True, slots=True)
class ScannedNetwork:
    """What a harmless file says of itself. `keras_version` is "" where it doesn't say."""

    config: dict[str, Any]
    plan: NetworkPlan
    size: NetworkSize
    keras_version: str

    @property
    def is_old(self) -> bool:
        """Whether a Keras before 3 wrote it, so that it is converted before it serves."""
        major = self.keras_version.partition(".")[0]
        return not major.isdigit() or int(major) < 3

    def size_of_input(self, chosen: tuple[int, int] | None = None) -> tuple[int, int]:
        """(height, width) of the input, open sides from `chosen`."""
        height, width, _ = fill_input(self.plan.input_shape, chosen)
        return height, width


def scan_file(path: Path, input_size: tuple[int, int] | None = None) -> ScannedNetwork:
    """Check the HDF5 file at `path`; `input_size`: (height, width) where the file leaves it open.

    Raises UnsafeModelError: `unreadable` and the codes of `ml.network_files.hdf5_scan`, `ml.network_files.config_scan`,
    `ml.network_files.plan`, `ml.network_files.limits` and `ml.network_files.stored_weights`.
    """
    import h5py

    try:
        with h5py.File(path, mode="r") as root:
            scan_tree(root)
            config = check_config(read_config_text(root))
            plan, size = measure_network(config, input_size)
            match_weights(root, plan, size)
            return ScannedNetwork(config, plan, size, read_text_attribute(root, "keras_version"))
    except UnsafeModelError:
        raise
    except BROKEN as error:
        raise UnsafeModelError("unreadable", f"Expected a whole HDF5 file, received: {error}.") from error
