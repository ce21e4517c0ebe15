"""Training data: the train split of one or several image sets, decoded once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.datasets.image_sets import SEEN
from ml.datasets.records import (
    EXTRA_SET,
    PAPER_SET,
    DataError,
    ImageRecord,
    find_data_root,
    load_pixels,
    read_extra_records,
    read_labels,
    read_records,
)
from ml.training.batches import LabelledPixels

TRAINING_SETS = (PAPER_SET, EXTRA_SET)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Records and their pixels, in the same order: uint8 (n, size, size, 3)."""

    records: list[ImageRecord]
    pixels: NDArray[np.uint8]

    def select(self, chosen: NDArray[np.bool_]) -> LabelledPixels:
        """Return the images where `chosen`, bool (n,), is true."""
        return LabelledPixels(self.pixels[chosen], read_labels(self.records)[chosen])

    def is_of(self, data_set: str) -> NDArray[np.bool_]:
        """Return, bool (n,), which images are of the set `data_set`."""
        return np.array([record.data_set == data_set for record in self.records])


def load_training_data(
    data_sets: Sequence[str], input_size: int, *, left_out: Sequence[str] = ()
) -> TrainingData:
    """Decode the train images of `data_sets`, the paper's first; raises DataError.

    Images of the diagnoses `left_out` (short names, such as nv) stay away where the set tells them:
    ham10000-extra-train does.
    """
    unknown = [name for name in data_sets if name not in TRAINING_SETS]
    if unknown or not data_sets:
        raise DataError(f"Expected sets among {', '.join(TRAINING_SETS)}, received {unknown or 'none'}.")
    strange = sorted(set(left_out) - SEEN[EXTRA_SET])
    if strange or (left_out and EXTRA_SET not in data_sets):
        raise DataError(
            f"Expected diagnoses of {EXTRA_SET} to leave out ({', '.join(sorted(SEEN[EXTRA_SET]))}), and that "
            f"set among those to learn from; received {', '.join(left_out)} with {', '.join(data_sets)}."
        )
    records: list[ImageRecord] = []
    parts = []
    for name in TRAINING_SETS:
        if name not in data_sets:
            continue
        root = find_data_root(name)
        read = read_records if name == PAPER_SET else read_extra_records
        found = [r for r in read(root) if r.split == "train" and r.diagnosis not in left_out]
        parts.append(load_pixels(root, found, (input_size, input_size), what=f"Decoding {name}"))
        records += found
    return TrainingData(records, np.concatenate(parts))
