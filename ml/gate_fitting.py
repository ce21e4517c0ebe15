"""Fitting the gates on the train split: the features' network, the distance and the limits."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.digests import digest_file
from ml.domain import DomainStatistics

if TYPE_CHECKING:
    import keras

DEPTHS: Final = (3, 6, 10, 13, 16)
COMPONENTS: Final = 64
FOLDS: Final = 5
# Shares of training images that each limit refuses, at most; together under 1 %, as both of blur overlap.
QUALITY_SHARES: Final = {
    "brightness_least": 0.001,
    "brightness_most": 0.001,
    "bright_share_most": 0.001,
    "sharpness_least": 0.004,
    "soft_sharpness_least": 0.004,
    "contrast_least": 0.001,
}
# A round field in a 4:3 frame leaves up to half of it black, which is normal.
DARK_SHARE_MOST: Final = 0.65
SHORT_SIDE_LEAST: Final = 224
# Nearly all training images are of light skin: their own limit, 88, would refuse dark skin as dark.
HIGHEST_BRIGHTNESS_LEAST: Final = 50.0
# Contact gel glares in small spots that hide little: a tenth of the frame may be white.
LOWEST_BRIGHT_SHARE_MOST: Final = 0.1


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


def save_network(network: "keras.Model", path: Path) -> str:
    """Write the network as legacy HDF5, whole or not at all; returns the SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"partial-{path.name}")
    logger = logging.getLogger("absl")  # Keras warns that HDF5 is old; it is the format asked for
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        network.save(draft, include_optimizer=False)
    finally:
        logger.setLevel(level)
    draft.replace(path)
    return digest_file(path)


def fit_statistics(features: NDArray[np.float32]) -> DomainStatistics:
    """Fit the Gaussian of `ml.domain` to `features` (n, d), n above `COMPONENTS`."""
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    scale = values.std(axis=0) + 1e-6
    scaled = (values - mean) / scale
    variances, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    order = np.argsort(variances)[::-1]
    kept, rest = order[:COMPONENTS], order[COMPONENTS:]
    return DomainStatistics(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        basis=vectors[:, kept].astype(np.float32),
        variances=variances[kept].astype(np.float32),
        residual=np.array(variances[rest].mean(), dtype=np.float32),
    )


def measure_held_out(
    plain: NDArray[np.float32], varied: NDArray[np.float32], folds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances of both feature sets (n, d), each fold's by a fit on the others."""
    distances = np.empty(len(plain)), np.empty(len(plain))
    for fold in np.unique(folds):
        here = folds == fold
        statistics = fit_statistics(np.concatenate([plain[~here], varied[~here]]))
        distances[0][here] = statistics.measure(plain[here])
        distances[1][here] = statistics.measure(varied[here])
    return distances


def vary_image(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return `image`, uint8 (s, s, 3), as another clinic might have taken it.

    At random: a crop of other proportions, a lower resolution, another exposure and colour of the
    light, a quarter turn, a mirror, a round black frame.
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
        values = values * np.clip(reach / generator.uniform(1, 6) + 0.5, 0.03, 1)[..., None]
    return np.asarray(np.clip(values, 0, 1) * 255, dtype=np.uint8)


def place_limit(held_out: NDArray[np.float64], photographs: NDArray[np.float64]) -> float:
    """Return the limit half way, by ratio, between dermoscopy and everyday photographs.

    From the 99th percentile of the training images' held-out distances to the 5th of the design
    photographs': dermoscopy of other hospitals lies beyond the first, so a limit there refuses it.
    """
    near, far = np.quantile(held_out, 0.99), np.quantile(photographs, 0.05)
    return round(float(np.sqrt(near * max(near, far))), 3)


def fit_quality_limits(*sets: list[dict[str, float]]) -> dict[str, float]:
    """Return the quality gate's limits, by `QUALITY_SHARES`: of the `sets` of figures, the softest.

    The sets are the training images as they are and varied, so that a softer picture from another
    camera is not taken for a blurred one.
    """
    limits = {"short_side_least": float(SHORT_SIDE_LEAST), "dark_share_most": DARK_SHARE_MOST}
    for name, share in QUALITY_SHARES.items():
        measure, _, kind = name.rpartition("_")
        quantile, softest = (share, min) if kind == "least" else (1 - share, max)
        values = [np.quantile([row[measure] for row in figures], quantile) for figures in sets]
        limits[name] = round(float(softest(values)), 3)
    limits["brightness_least"] = min(limits["brightness_least"], HIGHEST_BRIGHTNESS_LEAST)
    limits["bright_share_most"] = max(limits["bright_share_most"], LOWEST_BRIGHT_SHARE_MOST)
    return limits
