"""Fitting the gates on training images: the features' network, the distance, kinds and limits."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.gates.domain import DomainStatistics, GroundStatistics, KindStatistics
from ml.gates.network import convert_network

if TYPE_CHECKING:
    import keras

DEPTHS: Final = (3, 6, 10, 13, 16)
COMPONENTS: Final = 64
_LEAST_VARIANCE: Final = 1e-6
FOLDS: Final = 5
# Shares of training images that each limit refuses, at most.
QUALITY_SHARES: Final = {
    "brightness_least": 0.001,
    "brightness_most": 0.001,
    "bright_share_most": 0.001,
    "contrast_least": 0.001,
}
# The least sharpness is the smallest that refuses this share of training images blurred by a
# Gaussian of this standard deviation in pixels of the 224, half of them saved as JPEG afterwards.
BLUR: Final = 2.0
BLURRED_SHARE: Final = 0.985
# A round field in a 4:3 frame leaves up to half of it black, which is normal.
DARK_SHARE_MOST: Final = 0.65
SHORT_SIDE_LEAST: Final = 224
# Nearly all training images are of light skin: their own limit, 88, would refuse dark skin as dark.
HIGHEST_BRIGHTNESS_LEAST: Final = 50.0
# Contact gel glares in small spots that hide little: a tenth of the frame may be white.
LOWEST_BRIGHT_SHARE_MOST: Final = 0.1
# Of the logistic regression of kinds: small, as there are few close-ups and many features.
_KIND_C: Final = 0.01


def build_network(weights: Path) -> "keras.Model":
    """Return MobileNetV2 0.35 up to its last block, giving pooled features of five depths.

    `weights`: ImageNet weights without the head. Input: RGB in [0, 255], (n, 224, 224, 3); output
    (n, 816): the means of the expanded activations of blocks 3, 6, 10, 13 and 16.
    """
    import keras

    pixels = keras.Input((224, 224, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    base = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, input_tensor=scaled, weights=str(weights)
    )
    pooled = [
        keras.layers.GlobalAveragePooling2D(name=f"depth_{depth}")(
            base.get_layer(f"block_{depth}_expand_relu").output
        )
        for depth in DEPTHS
    ]
    return keras.Model(pixels, keras.layers.Concatenate(name="features")(pooled), name="gate_features")


def save_network(network: "keras.Model", folder: Path) -> None:
    """Write the network to `folder` as OpenVINO reads it: gates.xml and gates.bin, each whole or not."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as draft:
        parts = convert_network(network, Path(draft))
    for name, data in zip(("gates.xml", "gates.bin"), parts, strict=True):
        partial = folder / f"partial-{name}"
        partial.write_bytes(data)
        partial.replace(folder / name)


def fit_statistics(features: NDArray[np.float32]) -> DomainStatistics:
    """Fit the Gaussian of `ml.gates.domain` to `features` (n, d), n above `COMPONENTS`, d above 1."""
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    scale = values.std(axis=0) + 1e-6
    scaled = (values - mean) / scale
    variances, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    order = np.argsort(variances)[::-1]
    count = min(COMPONENTS, len(order) - 1)
    kept, rest = order[:count], order[count:]
    variances = np.maximum(variances, _LEAST_VARIANCE)  # a feature that is always 0 measures nothing
    return DomainStatistics(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        basis=vectors[:, kept].astype(np.float32),
        variances=variances[kept].astype(np.float32),
        residual=np.array(variances[rest].mean(), dtype=np.float32),
    )


def fit_ground(features: NDArray[np.float32], sources: Sequence[str]) -> GroundStatistics:
    """Fit the ground of a network to its features (n, d) of training images and the source of each (n,)."""
    values = features.astype(np.float32)
    names = np.array(sources)
    centres = np.stack([values[names == name].mean(axis=0) for name in sorted(set(names.tolist()))])
    places = {name: place for place, name in enumerate(sorted(set(names.tolist())))}
    around = values - centres[[places[name] for name in names.tolist()]]
    return GroundStatistics(fit_statistics(around), centres.astype(np.float32))


def measure_held_out(
    baseline: NDArray[np.float32], varied: NDArray[np.float32], folds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances of both feature sets (n, d), each fold's by a fit on the others."""
    distances = np.empty(len(baseline)), np.empty(len(baseline))
    for fold in np.unique(folds):
        here = folds == fold
        statistics = fit_statistics(np.concatenate([baseline[~here], varied[~here]]))
        distances[0][here] = statistics.measure(baseline[here])
        distances[1][here] = statistics.measure(varied[here])
    return distances


def vary_image(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return `image`, uint8 (s, s, 3), as another clinic might have taken it.

    At random: a crop of other proportions, a lower resolution, another exposure and colour of the
    light, a quarter turn, a mirror, a round black or white frame.
    """
    size = image.shape[0]
    picture = Image.fromarray(image)
    if generator.random() < 0.6:
        width = int(size * generator.uniform(0.6, 1))
        height = int(np.clip(width * generator.uniform(0.75, 1.33), size // 2, size))
        left, top = (int(generator.integers(0, size - side + 1)) for side in (width, height))
        box = (left, top, left + width, top + height)
        picture = picture.crop(box).resize((size, size), Image.Resampling.BICUBIC)
    if generator.random() < 0.4:
        side = int(size * generator.uniform(0.5, 0.9))
        picture = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    values = np.asarray(picture, dtype=np.float64) / 255
    values = values ** np.exp(generator.normal(0, 0.15)) * np.exp(generator.normal(0, 0.08, 3))
    values = np.rot90(values, int(generator.integers(4)))
    if generator.random() < 0.5:
        values = values[:, ::-1]
    if generator.random() < 0.3:
        rows, columns = np.mgrid[:size, :size] - size / 2 + generator.normal(0, 6, (2, 1, 1))
        reach = size * generator.uniform(0.48, 0.68) - np.hypot(rows, columns)
        inside = np.clip(reach / generator.uniform(1, 6) + 0.5, 0.03, 1)[..., None]
        values = values * inside if generator.random() < 0.75 else 1 - (1 - values) * inside
    return np.asarray(np.clip(values, 0, 1) * 255, dtype=np.uint8)


def place_limit(held_out: NDArray[np.float64], photographs: NDArray[np.float64]) -> float:
    """Return the domain gate's limit: the 5th percentile of the everyday photographs' distances.

    That far, since dermoscopy of other hospitals lies beyond that of the training images; never
    nearer than the 99th percentile of their held-out distances.
    """
    return round(float(max(np.quantile(held_out, 0.99), np.quantile(photographs, 0.05))), 3)


def fit_quality_limits(
    figures: list[dict[str, float]], varied: list[dict[str, float]], blurred: list[float]
) -> dict[str, float]:
    """Return the quality gate's limits, by `QUALITY_SHARES` and `BLURRED_SHARE`.

    `figures` of the training images as they are and `varied`: the softer of both counts, so that
    another camera's exposure is no fault; but not for glare, which the variation only adds.
    `blurred`: the sharpness of the blurred ones.
    """
    limits = {"short_side_least": float(SHORT_SIDE_LEAST), "dark_share_most": DARK_SHARE_MOST}
    for name, share in QUALITY_SHARES.items():
        measure, _, kind = name.rpartition("_")
        quantile, softest = (share, min) if kind == "least" else (1 - share, max)
        sets = [figures] if measure == "bright_share" else [figures, varied]
        values = [np.quantile([row[measure] for row in rows], quantile) for rows in sets]
        limits[name] = round(float(softest(values)), 3)
    limits["brightness_least"] = min(limits["brightness_least"], HIGHEST_BRIGHTNESS_LEAST)
    limits["bright_share_most"] = max(limits["bright_share_most"], LOWEST_BRIGHT_SHARE_MOST)
    limits["sharpness_least"] = round(float(np.quantile(blurred, BLURRED_SHARE)), 4)
    return limits


def fit_kinds(dermoscopic: NDArray[np.float32], close_ups: NDArray[np.float32]) -> KindStatistics:
    """Fit the logistic regression of kinds to scaled features (n, d) and (m, d), both kinds weighing alike."""
    from sklearn.linear_model import LogisticRegression

    labels = np.repeat([0, 1], [len(dermoscopic), len(close_ups)])
    model = LogisticRegression(C=_KIND_C, class_weight="balanced", max_iter=2000)
    model.fit(np.concatenate([dermoscopic, close_ups]), labels)
    return KindStatistics(
        kind_weights=model.coef_[0].astype(np.float32),
        kind_bias=np.array(model.intercept_[0], dtype=np.float32),
    )
