"""Inspection of a network file: what it says of itself, found without executing anything of it."""

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.digests import digest_bytes
from ml.network_files.errors import UnsafeModelError
from ml.network_files.model_file import read_model_file
from ml.network_files.plan import NetworkPlan
from ml.network_files.scan import ScannedNetwork, scan_file


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file and the verdict on it.

    `refusal`: code and sentence, None when it registers; the fields below `size` are empty then.
    `head`: the last activation, `linear` for logits. `layers`: count of each kind.
    `must_declare`: what no file says. `input_shape`: (height, width, 3), None where open.
    """

    sha256: str
    size: int
    refusal: dict[str, str] | None = None
    keras_version: str = ""
    converts: bool = False
    layers: dict[str, int] | None = None
    parameters: int = 0
    input_shape: tuple[int | None, ...] = ()
    outputs: int = 0
    head: str = ""
    must_declare: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return every field for JSON."""
        return asdict(self)


def inspect_file(path: str | os.PathLike[str], input_size: tuple[int, int] | None = None) -> Inspection:
    """Read and scan the file at `path`; a refusal is an answer, not an error."""
    data = b""
    try:
        data = read_model_file(path)
        scanned = scan_bytes(data, input_size)
    except UnsafeModelError as error:
        found = data or _read_anyway(Path(path))
        refusal = {"code": error.code, "message": error.message}
        return Inspection(digest_bytes(found) if found else "", len(found), refusal)
    kinds = [step.kind for step in scanned.plan.steps]
    outputs = scanned.size.outputs[-1]
    return Inspection(
        sha256=digest_bytes(data),
        size=len(data),
        keras_version=scanned.keras_version,
        converts=scanned.is_old,
        layers={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        parameters=scanned.size.parameters,
        input_shape=scanned.plan.input_shape,
        outputs=outputs,
        head=find_head(scanned.plan),
        must_declare=_list_open(scanned, outputs),
    )


def scan_bytes(data: bytes, input_size: tuple[int, int] | None = None) -> ScannedNetwork:
    """Scan the bytes of a file from a private copy; raises as `ml.network_files.scan.scan_file`."""
    with tempfile.TemporaryDirectory(prefix="dermaport-inspection-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        return scan_file(copy, input_size)


def find_head(plan: NetworkPlan) -> str:
    """Return the activation of the last step: `sigmoid`, `softmax`, `linear` for logits, …."""
    if not plan.steps or plan.output == 0:
        return "linear"
    step = plan.steps[plan.output - 1]
    return "softmax" if step.kind == "Softmax" else str(step.config.get("activation") or "linear")


def _list_open(scanned: ScannedNetwork, outputs: int) -> tuple[str, ...]:
    names = "2" if outputs == 1 else str(outputs)
    open_facts = ["scaling (raw, unit or signed)", f"classes ({names} names, in output order)"]
    open_facts.append("colour order (rgb unless said)")
    if None in scanned.plan.input_shape:
        open_facts.append("input size")
    if find_head(scanned.plan) == "linear":
        open_facts.append("output (logits)")
    return tuple(open_facts)


def _read_anyway(path: Path) -> bytes:
    """Return what a refused plain file of at most 64 MiB holds, so that its hash can be told."""
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= 64 * 1024**2:
            return path.read_bytes()
    except (OSError, ValueError):
        return b""
    return b""
