"""Evaluation on the labelled image sets, kept set by set, so that stopping loses one set at most."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ml.datasets.image_sets import ImageSet, SetImage, find_set
from ml.datasets.records import DataError
from ml.evaluation import consistency
from ml.evaluation.scoring import score_images
from ml.evaluation.skin_tone import measure_ita
from ml.evaluation.stored_predictions import (
    CONSISTENCY,
    StoredRow,
    describe_network,
    format_table,
    is_stored,
    read_index,
    read_rows,
    store_table,
)
from ml.imaging.errors import UndecodableImageError
from ml.imaging.inputs import build_input
from ml.serving.prediction import Predictor
from ml.serving.specification import ModelSpecification

CONSISTENCY_SET = "fanconi-test"
_TONE_SIZE = (224, 224)


def evaluate_sets(
    specification: ModelSpecification, model: Path, names: Sequence[str], folder: Path
) -> list[str]:
    """Score the sets `names`, and repeat consistency where asked, that `folder` doesn't hold yet.

    `names` are of `ml.datasets.image_sets.SETS`, or `consistency`: the clean test images, changed a
    little. Returns the names scored now; those already stored for the same network, calibration,
    policy and files are left. Raises DataError for a missing set, `ml.serving.prediction.PredictionError`
    and `ml.network_files.loading.UnsafeModelError`.
    """
    network = describe_network(specification)
    wanted = []
    for name in names:
        image_set = find_set(CONSISTENCY_SET if name == CONSISTENCY else name)
        manifest = image_set.digest_manifest()
        if not is_stored(folder, name, network, manifest):
            wanted.append((name, image_set, manifest))
    if not wanted:
        return []
    predictor = Predictor(specification, model)
    for name, image_set, manifest in wanted:
        images = image_set.read_images()
        columns: Sequence[str]
        if name == CONSISTENCY:
            clean = [image for image in images if "clean" in image.tags.split()]
            columns = consistency.COLUMNS
            rows = consistency.score_variants(predictor, image_set.find_root(), clean)
        else:
            columns, rows = format_table(score_set(predictor, image_set, images))
        store_table(folder, name, columns, rows, network=network, manifest=manifest)
    return [name for name, _, _ in wanted]


def refresh_tags(folder: Path, names: Sequence[str]) -> list[str]:
    """Write what is known of the images now, such as lesions found in train since, beside stored figures.

    `folder`: of one network's predictions; of `names` those that it holds of the set as it is. Returns the names of
    the tables that changed. Raises DataError for a missing set.
    """
    changed = []
    index = read_index(folder)
    for name in names:
        if name == CONSISTENCY or name not in index["files"]:
            continue
        image_set = find_set(name)
        manifest = image_set.digest_manifest()
        tags = {image.path: image.tags for image in image_set.read_images()}
        rows = read_rows(folder, name)
        if index["files"][name]["manifest"] != manifest or not {row.image.path for row in rows} <= set(tags):
            continue
        fresh = [replace(row, image=replace(row.image, tags=tags[row.image.path])) for row in rows]
        if fresh != rows:
            columns, table = format_table(fresh)
            store_table(folder, name, columns, table, network=index["network"], manifest=manifest)
            changed.append(name)
    return changed


def score_set(predictor: Predictor, image_set: ImageSet, images: Sequence[SetImage]) -> list[StoredRow]:
    """Score `images` as the portal's worker does and measure the skin's tone.

    Raises DataError when a file is not the one in the set's manifest.
    """
    root = image_set.find_root()
    rows = []
    entries = [(image.path, image.label) for image in images]
    for image, scored in zip(images, score_images(predictor, root, entries), strict=True):
        if scored.sha256 != image.sha256:
            raise DataError(f"{image.path}: expected SHA-256 {image.sha256}, received {scored.sha256}.")
        rows.append((scored, image))
    tones = [
        _measure_tone(root / image.path)
        for image in tqdm(images, desc="Skin tone", unit="image", leave=False)
    ]
    return [StoredRow(scored, image, tone) for (scored, image), tone in zip(rows, tones, strict=True)]


def _measure_tone(path: Path) -> float | None:
    try:
        return measure_ita(build_input(path.read_bytes(), _TONE_SIZE))
    except UndecodableImageError:
        return None
