"""Is this a dermoscopic image of a lesion at all? One distance from the images of the train split.

It depends on no network that judges lesions, so it protects each of them alike.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.digests import digest_bytes
from ml.gate_specification import GateError
from ml.quality import WORKING_SIZE

if TYPE_CHECKING:
    import keras

_PARTS = ("mean", "scale", "basis", "variances", "residual")


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

    def to_bytes(self) -> bytes:
        """Return the file that `from_bytes` reads; the same statistics give the same bytes."""
        stream = io.BytesIO()
        np.savez(stream, **{name: getattr(self, name) for name in _PARTS})
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "DomainStatistics":
        """Read numbers only, nothing pickled; raises GateError when they don't fit each other."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as parts:
                found = cls(**{name: parts[name] for name in _PARTS})
        except (OSError, ValueError, KeyError) as error:
            raise GateError(f"Expected the domain gate's statistics, received: {error}.") from error
        if found.basis.shape != (found.mean.size, found.variances.size):
            raise GateError(f"Expected a basis that fits, received {found.basis.shape}.")
        return found


class DomainGate:
    """The features' network and the statistics of its features, ready to measure."""

    def __init__(self, network: "keras.Model", statistics: DomainStatistics) -> None:
        self._network = network
        self._statistics = statistics

    @classmethod
    def load(cls, files: Mapping[str, str], folder: Path) -> "DomainGate":
        """Load both files of a specification's `domain` from `folder`, each by its SHA-256.

        Raises `ml.loading.UnsafeModelError` for the network and GateError for the statistics.
        """
        from ml.device import configure_devices
        from ml.loading import load_network

        try:
            data = (folder / files["statistics"]).read_bytes()
        except OSError as error:
            raise GateError(f"Expected the file {files['statistics']}, received: {error}.") from error
        received = digest_bytes(data)
        if received != files["statistics_sha256"]:
            raise GateError(
                f"{files['statistics']}: expected SHA-256 {files['statistics_sha256']}, received {received}."
            )
        configure_devices()
        network = load_network(folder / files["network"], sha256=files["network_sha256"])
        return cls(network, DomainStatistics.from_bytes(data))

    def measure(self, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return the distances (n,) of images uint8 at the working size; any n, also 0."""
        return self._statistics.measure(extract_features(self._network, pixels))


def extract_features(
    network: "keras.Model", pixels: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return the features, float32 (n, d), of images uint8 (224, 224, 3), in fixed batch shapes."""
    from ml.prediction import choose_shapes

    features = np.empty((len(pixels), int(network.output_shape[-1])), dtype=np.float32)
    start = 0
    for shape in choose_shapes(len(pixels)):
        part = pixels[start : start + shape]
        batch = np.zeros((shape, *WORKING_SIZE, 3), dtype=np.float32)
        batch[: len(part)] = np.asarray(part)
        features[start : start + len(part)] = np.asarray(network.predict_on_batch(batch))[: len(part)]
        start += shape
    return features
