"""What every baseline learns from and is judged on: images, folds, and features computed once and kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.image_sets import SetImage, find_set
from ml.datasets.records import LABELS, PAPER_SET, ImageRecord, find_data_root, load_pixels
from ml.datasets.sources import (
    SQUASHED,
    SourcedImage,
    balance_weights,
    list_lesion_hold_outs,
    list_source_hold_outs,
    read_sourced_images,
)
from ml.digests import digest_bytes
from ml.research.baselines.handmade import measure_texture, measure_wavelets
from ml.research.baselines.systems import TEXTURE, WAVELETS
from ml.training.activations import SHARD, CachePlan, cache_activations
from ml.training.backbones import describe_weights

PAPER: Final = "paper"
TEST_SET: Final = "fanconi-test"
_SIDE: Final = 224
_MEASURES: Final = {TEXTURE: measure_texture, WAVELETS: measure_wavelets}


@dataclass(frozen=True, slots=True)
class Fit:
    """One training: indices into the images, int64, of what is learned from and judged; a weight each learned image.

    `paper` learns from the paper's train images, all alike, and is judged on its 660 test images, as the literature
    does; every other is a hold-out of `ml.datasets.sources`, with sources and classes balanced.
    """

    name: str
    learned: NDArray[np.int64]
    judged: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def kind(self) -> str:
        """Return `paper`, `lesions` for a fold of lesions, or `sources`."""
        return PAPER if self.name == PAPER else "lesions" if self.name.startswith("fold-") else "sources"


@dataclass(frozen=True, slots=True)
class Material:
    """The training images of every source, then the paper's test images, which `tests` describe."""

    training: list[SourcedImage]
    tests: list[SetImage]

    @property
    def images(self) -> list[SourcedImage]:
        """Return all images, those of the tests last."""
        return [*self.training, *map(_place_test, self.tests)]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the labels of all images, int64 (n,), 1 = malignant."""
        return np.array([image.label for image in self.images])

    @property
    def digest(self) -> str:
        """Return what tells this list of images from any other."""
        return digest_bytes("".join(f"{i.key} {i.sha256} {i.label}\n" for i in self.images).encode())


def read_material() -> Material:
    """Read the lists of images below the data root; raises `ml.datasets.records.DataError`."""
    return Material(read_sourced_images(), find_set(TEST_SET).read_images())


def _place_test(image: SetImage) -> SourcedImage:
    label = LABELS.index(image.label)
    return SourcedImage(
        PAPER_SET, image.path, image.sha256, label, image.diagnosis, "", image.lesion, SQUASHED
    )


def list_fits(material: Material) -> list[Fit]:
    """Return the paper's own split, then a fit for each source left out, then for each fold of lesions."""
    training = material.training
    count = len(training)
    paper = np.flatnonzero([image.data_set == PAPER_SET for image in training])
    fits = [Fit(PAPER, paper, np.arange(count, count + len(material.tests)), np.ones(len(paper)))]
    for hold_out in (*list_source_hold_outs(training), *list_lesion_hold_outs(training)):
        learned = np.flatnonzero(~hold_out.held_out)
        weights = balance_weights([training[index] for index in learned])
        fits.append(Fit(hold_out.name, learned, np.flatnonzero(hold_out.judged), weights))
    return fits


def load_square(images: Sequence[SourcedImage], side: int, *, what: str = "Decoding") -> NDArray[np.uint8]:
    """Return the pixels of `images` as a network of `side` pixels gets them, uint8 (n, side, side, 3); raises DataError."""
    records = [
        ImageRecord(image.key, "", image.label, image.sha256, image.group, clean=True) for image in images
    ]
    return load_pixels(find_data_root(""), records, (side, side), what=what)


def measure_handmade(kind: str, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return the features `kind`, `texture` or `wavelets`, float32 (n, d), of uint8 RGB `pixels`."""
    return np.stack([_MEASURES[kind](each) for each in pixels])


def cache_handmade(images: Sequence[SourcedImage], folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return texture and wavelet features of `images`, float32 (n, d) each, computing what `folder` lacks.

    Of pictures of 224 pixels. Kept in shards of 256 images, each written whole or not at all. Raises DataError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = [images[start : start + SHARD] for start in range(0, len(images), SHARD)]
    found: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in _MEASURES}
    for shard in tqdm(shards, desc="Texture and wavelets", unit="shard", mininterval=10):
        path = folder / f"{digest_bytes(''.join(image.sha256 for image in shard).encode())[:16]}.npz"
        if not path.is_file():
            pixels = list(load_square(shard, _SIDE))
            draft = path.with_suffix(".partial")
            with draft.open("wb") as stream:
                np.savez(
                    stream, allow_pickle=False, **{kind: measure_handmade(kind, pixels) for kind in _MEASURES}
                )
            draft.replace(path)
        with np.load(path, allow_pickle=False) as stored:
            for kind, parts in found.items():
                parts.append(stored[kind])
    return {kind: np.concatenate(parts) for kind, parts in found.items()}


def cache_frozen(
    architecture: str, side: int, material: Material, folder: Path, weights: Path | None
) -> NDArray[np.float16]:
    """Return a frozen backbone's pooled features of all images, float16 (n, d), computing what `folder` lacks.

    Without `weights` they are of random numbers, the same in every process. Raises DataError.
    """
    plan = CachePlan(architecture, side, "", describe_weights(weights))
    parts = []
    images = material.images
    for some in (images[: len(material.training)], images[len(material.training) :]):
        fix_random_weights(weights)
        kept = cache_activations(plan, some, 0, folder, data=find_data_root(""), weights=weights)
        parts.append(kept.features[0])
    return np.concatenate(parts)


def fix_random_weights(weights: Path | None) -> None:
    """Make the next network built without `weights` the same in every process, by Keras's global seed."""
    if weights is None:
        import keras

        keras.utils.set_random_seed(0)


def join_features(parts: Mapping[str, NDArray[np.float32]], kinds: Sequence[str]) -> NDArray[np.float32]:
    """Return the features `kinds` of `parts` side by side, float32 (n, d); (n, 0) of none."""
    count = len(next(iter(parts.values())))
    return np.concatenate([np.zeros((count, 0), np.float32), *(parts[kind] for kind in kinds)], axis=1)


class ProcessorClock:
    """Processor seconds of this process, all threads together: what others do meanwhile doesn't count."""

    def __init__(self) -> None:
        self._started = time.process_time()

    def read(self) -> float:
        """Return the seconds since it was made."""
        return time.process_time() - self._started
