"""Cross-validation that never has one lesion on both sides."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.datasets.records import DataError, ImageRecord


def assign_folds(records: Sequence[ImageRecord], folds: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold, int64 (n,) in [0, folds), in which each train record is held out.

    Whole groups only; each class is dealt, in an order set by the hash of `seed` and the group's
    name, to the fold that has fewest of its set and class so far. Records of another split give
    DataError, as do fewer than two folds.
    """
    if folds < 2:
        raise DataError(f"Expected at least 2 folds, received {folds}.")
    if any(record.split != "train" for record in records):
        raise DataError("Expected train records only: the test split is for the final report.")
    groups: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        groups[record.group].append(index)
    filled: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * folds)
    result = np.empty(len(records), dtype=np.int64)
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        members = groups[name]
        first = records[members[0]]
        counts = filled[first.data_set, first.label]
        fold = counts.index(min(counts))
        counts[fold] += len(members)
        result[members] = fold
    return result
