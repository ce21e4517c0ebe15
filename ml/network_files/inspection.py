"""Inspection of a network file: what it says of itself, and whether it would register.

The checks are those of registration, which calls them too: `examine_bytes` reads, `rehearse` converts
or loads the network and shows it the drawn pictures. Nothing that the file brings is executed.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.digests import digest_bytes
from ml.imaging.inputs import SCALINGS, scale_pixels
from ml.network_files.conversion import convert_network
from ml.network_files.drawn_pictures import draw_pictures
from ml.network_files.errors import UnsafeModelError
from ml.network_files.head import check_head, check_outputs, find_head
from ml.network_files.loading import load_network, run_once
from ml.network_files.model_file import read_model_file
from ml.network_files.reference_pass import check_computed
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
    """Read, scan and try the file at `path`; a refusal is an answer, not an error."""
    data = b""
    try:
        data = read_model_file(path)
        scanned = examine_bytes(data, input_size)
        rehearse(data, scanned, input_size)
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


def examine_bytes(data: bytes, input_size: tuple[int, int] | None = None) -> ScannedNetwork:
    """Scan the bytes of a file and check whether it may register, building nothing.

    Raises UnsafeModelError with the codes of `ml.network_files.scan.scan_file` and
    `ml.network_files.head.check_head`, and for an old file those of
    `ml.network_files.reference_pass.check_computed`.
    """
    with tempfile.TemporaryDirectory(prefix="dermaport-inspection-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        scanned = scan_file(copy, input_size)
    check_head(scanned.plan, scanned.size)
    if scanned.is_old:
        check_computed(scanned.plan)
    return scanned


def rehearse(data: bytes, scanned: ScannedNetwork, input_size: tuple[int, int] | None = None) -> None:
    """Convert or load the network as registration does, and look at what it says of the drawn pictures.

    How pixels are scaled nobody has said yet, so that one scaling is enough by which it tells them
    apart. Raises UnsafeModelError as `ml.network_files.conversion.convert_network`,
    `ml.network_files.loading.load_network` and `ml.network_files.head.check_outputs` do.
    """
    if scanned.is_old:
        outputs: Iterable[Any] = convert_network(data, input_size=input_size).outputs.values()
    else:
        outputs = _run(data, scanned, input_size)
    head, refusal = find_head(scanned.plan), None
    for values in outputs:
        try:
            check_outputs(values, head)
        except UnsafeModelError as error:
            refusal = error
        else:
            return
    if refusal:
        raise refusal


def _run(data: bytes, scanned: ScannedNetwork, input_size: tuple[int, int] | None) -> Iterator[Any]:
    pictures = draw_pictures(scanned.size_of_input(input_size))
    with tempfile.TemporaryDirectory(prefix="dermaport-inspection-") as folder:
        copy = Path(folder) / "network.h5"
        copy.write_bytes(data)
        network = load_network(copy, sha256=digest_bytes(data), input_size=input_size)
    for scaling in SCALINGS:
        yield run_once(network, scale_pixels(pictures, scaling))


def _list_open(scanned: ScannedNetwork, outputs: int) -> tuple[str, ...]:
    names = "2" if outputs == 1 else str(outputs)
    open_facts = [f"scaling ({', '.join(SCALINGS)})", f"classes ({names} names, in output order)"]
    if outputs > 2:
        open_facts.append("which of them are malignant; all are shown as diagnoses")
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
