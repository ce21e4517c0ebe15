"""What the report is written from: every network's stored predictions, as arrays."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.stored_predictions import RESULTS, StoredRow, read_index, read_rows, read_table
from ml.serving.policy import DecisionPolicy
from ml.serving.specification import ModelSpecification

DEFAULT_NETWORK = "efficientnetv2-b0"
COMPARISON = "efficientnetv2-b0-paper-data"
WEIGHTS = RESULTS.parent / "weights"


@dataclass(frozen=True)
class ReportPart:
    """Some images of one set as one network saw them, those it could not read left out."""

    rows: tuple[StoredRow, ...]

    @cached_property
    def p(self) -> NDArray[np.float64]:
        """Calibrated P(malignant), float64 (n,)."""
        return np.array([row.scored.calibrated_probability for row in self.rows], dtype=np.float64)

    @cached_property
    def y(self) -> NDArray[np.bool_]:
        """Labels, bool (n,), True = malignant."""
        return np.array([row.scored.label == "malignant" for row in self.rows], dtype=bool)

    @cached_property
    def lesions(self) -> list[str]:
        """The lesion of each image, n names; an image without one is its own."""
        return [row.image.lesion or row.image.path for row in self.rows]

    def keep(self, wanted: Callable[[StoredRow], bool]) -> "ReportPart":
        """Return the part's images for which `wanted` holds."""
        return ReportPart(tuple(row for row in self.rows if wanted(row)))

    def count(self) -> str:
        """Return such as `352 benign, 250 malignant`."""
        return f"{int((~self.y).sum())} benign, {int(self.y.sum())} malignant"


@dataclass(frozen=True)
class Network:
    """One network's folder of predictions, and its specification where it ships."""

    name: str
    folder: Path
    record: dict[str, Any]
    files: frozenset[str]
    specification: ModelSpecification | None = None

    @cached_property
    def policy(self) -> DecisionPolicy:
        """The threshold policy that made the stored outcomes."""
        return DecisionPolicy.from_dict(self.record["policy"])

    @cached_property
    def training_sets(self) -> list[str]:
        """Names of the image sets it was trained on."""
        return list(self.record["training_sets"])

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The plan that it was trained by, empty where none was kept."""
        kept = self.specification.training if self.specification else self.record
        return dict(kept.get("plan", {}))

    def read_part(self, name: str) -> ReportPart | None:
        """Return the stored predictions of the set `name`, None when there are none."""
        if name not in self.files:
            return None
        rows = read_rows(self.folder, name)
        return ReportPart(tuple(row for row in rows if row.scored.calibrated_probability is not None))

    def read_variants(self) -> list[dict[str, str]] | None:
        """Return the rows of the repeat consistency, None when there are none."""
        return read_table(self.folder, "consistency") if "consistency" in self.files else None


@dataclass
class Results:
    """All stored results, and the plots drawn from them so far, by file name."""

    folder: Path = RESULTS
    weights: Path = WEIGHTS
    rounds: int = 2000
    plots: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def networks(self) -> list[Network]:
        """The networks that ship and have predictions of the file beside them, the default first."""
        found = [
            network
            for path in sorted(self.weights.glob("*.json"))
            if (network := self._read_network(ModelSpecification.load(path)))
        ]
        return sorted(found, key=lambda network: network.name != DEFAULT_NETWORK)

    @cached_property
    def missing(self) -> list[str]:
        """Names of the networks that ship without predictions, or with those of another file."""
        names = [ModelSpecification.load(path).name for path in sorted(self.weights.glob("*.json"))]
        return [name for name in names if name not in {network.name for network in self.networks}]

    @cached_property
    def comparison(self) -> Network | None:
        """The default's twin, which learnt from the paper's images alone and doesn't ship: predictions only."""
        return self._open(COMPARISON, None)

    @cached_property
    def compared(self) -> list[Network]:
        """The networks that ship, the default's twin beside it if there is one."""
        first = [each for each in self.networks if each.name == DEFAULT_NETWORK]
        others = [each for each in self.networks if each.name != DEFAULT_NETWORK]
        return [*first, *([self.comparison] if first and self.comparison else []), *others]

    def read_json(self, name: str) -> Any | None:
        """Return the content of a stored JSON file, None when there is none."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def _read_network(self, specification: ModelSpecification) -> Network | None:
        network = self._open(specification.name, specification)
        if network is None or network.record["sha256"] != specification.sha256:
            return None
        return network

    def _open(self, name: str, specification: ModelSpecification | None) -> Network | None:
        folder = self.folder / "predictions" / name
        index = read_index(folder)
        if not index["files"]:
            return None
        return Network(name, folder, index["network"], frozenset(index["files"]), specification)
