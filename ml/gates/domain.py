"""Out-of-distribution detection: is this a dermoscopic image of a lesion at all?

It depends on no network that judges lesions, so it protects each of them alike.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.digests import digest_bytes
from ml.gates.network import FeatureNetwork
from ml.gates.specification import DOMAIN_FILES, GateError

_PARTS = ("mean", "scale", "basis", "variances", "residual")
_KIND_PARTS = ("kind_weights", "kind_bias")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DomainStatistics:
    """Where the features of dermoscopic images lie: a Gaussian with a low-rank covariance.

    For d features and k components: `mean` and `scale` (d,), `basis` (d, k) of the scaled features,
    `variances` (k,) along it, `residual` () the mean variance across the other d - k directions.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    basis: NDArray[np.float32]
    variances: NDArray[np.float32]
    residual: NDArray[np.float32]

    def measure(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of each row of `features` (n, d): about 1 for a training image.

        The root of the mean squared Mahalanobis distance per feature, under probabilistic principal
        components (Tipping and Bishop 1999).
        """
        scaled = (features.astype(np.float64) - self.mean) / self.scale
        along = scaled @ self.basis.astype(np.float64)
        inside = (along**2 / self.variances).sum(axis=1)
        outside = ((scaled**2).sum(axis=1) - (along**2).sum(axis=1)) / self.residual
        distances: NDArray[np.float64] = np.sqrt(np.maximum(inside + outside, 0.0) / self.mean.size)
        return distances

    def scale_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `features` (n, d), each less its mean, over its standard deviation."""
        return (features - self.mean) / self.scale

    @classmethod
    def from_bytes(cls, data: bytes) -> "DomainStatistics":
        """Read what `write_parts` wrote; raises GateError when the arrays don't fit each other."""
        found = read_parts(cls, _PARTS, data)
        if found.basis.shape != (found.mean.size, found.variances.size):
            raise GateError(f"Expected a basis that fits, received {found.basis.shape}.")
        return found


@dataclass(frozen=True, slots=True)
class GroundStatistics:
    """Where a network's own features of the pictures it learned from lie: one Gaussian about several centres.

    `statistics`: of the features less their source's centre, about which they spread alike; `centres`
    (s, d), one a source.
    """

    statistics: DomainStatistics
    centres: NDArray[np.float32]

    def measure(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of each row of `features` (n, d) from the nearest source: about 1 for a known one."""
        moved = (self.statistics.measure(features - centre) for centre in self.centres)
        nearest: NDArray[np.float64] = np.min(np.stack(list(moved)), axis=0)
        return nearest

    def to_bytes(self) -> bytes:
        """Return the file that `from_bytes` reads; same arrays, same bytes."""
        return write_parts(self.statistics, _Centres(self.centres))

    @classmethod
    def from_bytes(cls, data: bytes) -> "GroundStatistics":
        """Read what `to_bytes` wrote; raises GateError when the arrays don't fit each other."""
        statistics = DomainStatistics.from_bytes(data)
        centres = read_parts(_Centres, ("centres",), data).centres
        if centres.ndim != 2 or centres.shape[1] != statistics.mean.size or not len(centres):
            raise GateError(f"Expected centres of {statistics.mean.size} features, received {centres.shape}.")
        return cls(statistics, centres)


@dataclass(frozen=True, slots=True)
class _Centres:
    centres: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KindStatistics:
    """How close-ups differ from dermoscopy: a logistic regression on the scaled features.

    `kind_weights` (d,) of the features less `DomainStatistics.mean` over its `scale`; `kind_bias` ().
    """

    kind_weights: NDArray[np.float32]
    kind_bias: NDArray[np.float32]

    def measure(self, scaled: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return P(close-up, without a dermatoscope) in [0, 1] of each row of `scaled` (n, d)."""
        scores = scaled.astype(np.float64) @ self.kind_weights.astype(np.float64) + float(self.kind_bias)
        chances: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(scores, -50, 50)))
        return chances


@dataclass(frozen=True, slots=True)
class DomainFinding:
    """Of one picture: its `distance` from dermoscopy, and how much it looks like a `close_up`, in [0, 1]."""

    distance: float
    close_up: float


class DomainGate:
    """The features' network and the statistics of its features, ready to measure."""

    def __init__(self, network: FeatureNetwork, statistics: DomainStatistics, kinds: KindStatistics) -> None:
        self._network = network
        self._statistics = statistics
        self._kinds = kinds

    @classmethod
    def load(cls, files: Mapping[str, str], folder: Path) -> "DomainGate":
        """Load the files of a specification's `domain` from `folder`, each by its SHA-256.

        Raises GateError when one is missing or not the one specified.
        """
        graph, weights, statistics = (_read_pinned(files, name, folder) for name in DOMAIN_FILES)
        return cls(
            FeatureNetwork(graph, weights),
            DomainStatistics.from_bytes(statistics),
            read_parts(KindStatistics, _KIND_PARTS, statistics),
        )

    def find(self, pixels: Sequence[NDArray[np.uint8]]) -> list[DomainFinding]:
        """Return what was found of each image, uint8 at the working size; any number, also 0."""
        features = self._network.extract(pixels)
        distances = self._statistics.measure(features)
        chances = self._kinds.measure(self._statistics.scale_features(features))
        return [DomainFinding(float(d), float(c)) for d, c in zip(distances, chances, strict=True)]


def load_ground(pinned: Mapping[str, str], folder: Path) -> GroundStatistics:
    """Load the statistics that a network's specification names under `ground`; raises GateError."""
    return GroundStatistics.from_bytes(_read_pinned(pinned, "file", folder))


def _read_pinned(files: Mapping[str, str], name: str, folder: Path) -> bytes:
    try:
        data = (folder / files[name]).read_bytes()
    except OSError as error:
        raise GateError(f"Expected the file {files[name]}, received: {error}.") from error
    expected, received = files.get(f"{name}_sha256", files.get("sha256", "")), digest_bytes(data)
    if received != expected:
        raise GateError(f"{files[name]}: expected SHA-256 {expected}, received {received}.")
    return data


def write_parts(*parts: object) -> bytes:
    """Return one file of the arrays of `DomainStatistics` and `KindStatistics`; same arrays, same bytes."""
    stream = io.BytesIO()
    np.savez(stream, **{field.name: getattr(part, field.name) for part in parts for field in fields(part)})  # type: ignore[arg-type]  # numpy's stub takes one keyword for an array
    return stream.getvalue()


def read_parts(kind: type[T], names: Sequence[str], data: bytes) -> T:
    """Return the `kind` whose arrays `names` lie in `data`: numbers only, nothing pickled; raises GateError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as parts:
            return kind(**{name: parts[name] for name in names})
    except (OSError, ValueError, KeyError) as error:
        raise GateError(f"Expected the domain gate's statistics, received: {error}.") from error
