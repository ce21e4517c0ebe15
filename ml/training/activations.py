"""Cached activations: what the frozen part of a network makes of each training image and its changed copies.

A frozen part gives the same numbers in every run, so they are computed once and kept on disk: probes and the
upper stages then train in minutes on two cores.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.datasets.records import DataError
from ml.datasets.sources import SQUASHED, SourcedImage
from ml.digests import digest_bytes
from ml.imaging.inputs import build_input, scale_pixels
from ml.training.acquisition import redraw_acquisition
from ml.training.backbones import build_backbone, describe_weights, freeze_statistics
from ml.training.run import find_scaling

if TYPE_CHECKING:
    import keras

SHARD = 256
_BATCH = 32
FEATURES = "features"


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What decides the cached numbers: network and start, its input, the cut, and how copies are changed.

    `input_size`: side in pixels. `cut`: name of the last frozen layer, whose activations are kept beside the
    pooled features; empty to keep the features alone. `seed` of the changes; copy 0 is the image as it is.
    `weights` is `ml.training.backbones.describe_weights` of the start.
    """

    architecture: str
    input_size: int
    cut: str
    weights: str
    seed: int = 0

    @property
    def folder(self) -> str:
        """Return a folder name of its own for the plan."""
        digest = digest_bytes(json.dumps(asdict(self), sort_keys=True).encode())[:10]
        return f"{self.architecture}-{self.input_size}-{digest}"


@dataclass(frozen=True, slots=True)
class Activations:
    """Of n images and v copies of each: `features` float16 (v, n, d), `cut` float16 (v, n, h, w, c) or None.

    Copy 0 is the image as it is. `cut` has as many copies, each an array in memory.
    """

    features: NDArray[np.float16]
    cut: list[NDArray[np.float16]]


def split_network(
    architecture: str, input_size: int, cut: str, weights: Path | None
) -> tuple["keras.Model", "keras.Model | None", "keras.Model"]:
    """Return (whole, upper, lower) of one network, sharing their weights.

    `lower` gives the activations at `cut`, if any, and the pooled features; `upper` takes those activations
    and gives P(malignant), None without a cut. Batch normalisation keeps ImageNet's statistics. Raises
    DataError when there is no layer `cut`.
    """
    import keras

    whole = build_backbone(architecture, input_size, weights)
    freeze_statistics(whole)
    pooled = whole.get_layer(FEATURES).output
    if not cut:
        return whole, None, keras.Model(whole.input, [pooled])
    names = [layer.name for layer in whole.layers]
    if cut not in names:
        raise DataError(f"Expected a layer of {architecture}, received {cut!r}.")
    for layer in whole.layers[: names.index(cut) + 1]:
        layer.trainable = False
    middle = whole.get_layer(cut).output
    return whole, keras.Model(middle, whole.output), keras.Model(whole.input, [middle, pooled])


def cache_activations(
    plan: CachePlan,
    images: Sequence[SourcedImage],
    copies: int,
    folder: Path,
    *,
    data: Path,
    weights: Path | None,
) -> Activations:
    """Return the activations of `images` and `copies` changed copies of each, computing what is missing.

    Kept below `folder` in shards of 256 images, each written whole or not at all: a run that was stopped goes
    on where it was. `data` is the folder of the image sets. Raises DataError when an image is missing or is not
    the one listed.
    """
    place = folder / plan.folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "plan.json").write_text(json.dumps(asdict(plan), indent=1), encoding="utf-8")
    starts = range(0, len(images), SHARD)
    wanted = [
        (copy, start)
        for copy in range(copies + 1)
        for start in starts
        if not _name_shard(place, images[start : start + SHARD], copy).is_file()
    ]
    if wanted:
        _, _, lower = split_network(plan.architecture, plan.input_size, plan.cut, weights)
        if plan.weights != describe_weights(weights):
            raise DataError(f"Expected the start {plan.weights}, received {describe_weights(weights)}.")
        run = compile_lower(lower, plan.input_size)
        with ThreadPoolExecutor(1, thread_name_prefix="augment") as pool:

            def read(copy: int, start: int) -> "Future[NDArray[np.uint8]]":
                return pool.submit(_read_pixels, plan, images[start : start + SHARD], copy, data)

            ahead = read(*wanted[0])
            for number, (copy, start) in enumerate(
                tqdm(wanted, desc="Activations", unit="shard", mininterval=10)
            ):
                pixels = ahead.result()
                if number + 1 < len(wanted):
                    ahead = read(*wanted[number + 1])
                path = _name_shard(place, images[start : start + SHARD], copy)
                _write_shard(path, _run(run[copy > 0], plan, pixels))
    return _load(place, images, copies, with_cut=bool(plan.cut))


def _read_pixels(plan: CachePlan, images: Sequence[SourcedImage], copy: int, data: Path) -> NDArray[np.uint8]:
    side = plan.input_size
    pixels = np.empty((len(images), side, side, 3), dtype=np.uint8)
    for place, image in enumerate(images):
        content = _read_file(data, image)
        if copy == 0:
            pixels[place] = build_input(content, (side, side))
            continue
        words = np.frombuffer(bytes.fromhex(image.sha256[:16]), dtype=np.uint32)
        generator = np.random.default_rng([plan.seed, copy, *words.tolist()])
        own = build_input(content, (224, 224))
        pixels[place] = redraw_acquisition(own, generator, side=side, squashed=image.frame == SQUASHED)
    return pixels


def _read_file(data: Path, image: SourcedImage) -> bytes:
    try:
        content = (data / image.key).read_bytes()
    except OSError as error:
        raise DataError(f"Expected the image {image.key}, received: {error}.") from error
    if (received := digest_bytes(content)) != image.sha256:
        raise DataError(f"{image.key}: expected SHA-256 {image.sha256}, received {received}.")
    return content


def compile_lower(
    lower: "keras.Model", input_size: int
) -> dict[bool, Callable[[NDArray[np.float32]], Sequence[Any]]]:
    """Return the lower part as OpenVINO runs it: False for images as they are, True for changed copies.

    Both take scaled pixels (32, size, size, 3) and give the activations at the cut, if any, and the features.
    Changed copies are computed in bfloat16 where the processor has it, in half the time: what that rounds off is
    far less than what was changed.
    """
    import openvino
    from openvino.frontend import FrontEndManager

    with tempfile.TemporaryDirectory() as folder:
        lower.export(folder, format="tf_saved_model", verbose=False)
        frontend = FrontEndManager().load_by_framework("tf")
        model = frontend.convert(frontend.load(folder))
        model.reshape([_BATCH, input_size, input_size, 3])
        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False}
        compiled = {
            changed: core.compile_model(model, "CPU", {**options, "INFERENCE_PRECISION_HINT": precision})
            for changed, precision in ((False, "f32"), (True, "bf16"))
        }

    def bind(network: Any) -> Callable[[NDArray[np.float32]], Sequence[Any]]:
        def run(pixels: NDArray[np.float32]) -> Sequence[Any]:
            found = network(pixels)
            # By the number of axes: the cut's (n, h, w, c) before the features' (n, d).
            return sorted((found[port] for port in network.outputs), key=lambda values: -values.ndim)

        return run

    return {changed: bind(network) for changed, network in compiled.items()}


def _run(
    run: Callable[[NDArray[np.float32]], Sequence[Any]], plan: CachePlan, pixels: NDArray[np.uint8]
) -> dict[str, NDArray[np.float16]]:
    scaling = find_scaling(plan.architecture)
    parts: dict[str, list[Any]] = {}
    for start in range(0, len(pixels), _BATCH):
        batch = pixels[start : start + _BATCH]
        padded = np.zeros((_BATCH, *batch.shape[1:]), dtype=np.uint8)  # one shape, compiled once
        padded[: len(batch)] = batch
        named = zip(
            ("cut", FEATURES) if plan.cut else (FEATURES,), run(scale_pixels(padded, scaling)), strict=True
        )
        for name, values in named:
            parts.setdefault(name, []).append(np.asarray(values)[: len(batch)].astype(np.float16))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _name_shard(place: Path, images: Sequence[SourcedImage], copy: int) -> Path:
    """Return the file of a shard: named by its images, so that another list finds none of them."""
    digest = digest_bytes("".join(f"{image.sha256}{image.frame}" for image in images).encode())[:16]
    return place / f"copy-{copy}-{digest}.npz"


def _write_shard(path: Path, arrays: dict[str, NDArray[np.float16]]) -> None:
    draft = path.with_suffix(".partial")
    with draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def _load(place: Path, images: Sequence[SourcedImage], copies: int, *, with_cut: bool) -> Activations:
    features, cuts = [], []
    for copy in range(copies + 1):
        shards = []
        for start in range(0, len(images), SHARD):
            with np.load(
                _name_shard(place, images[start : start + SHARD], copy), allow_pickle=False
            ) as shard:
                shards.append({name: shard[name] for name in shard.files})
        features.append(np.concatenate([shard[FEATURES] for shard in shards]))
        if with_cut:
            cuts.append(np.concatenate([shard["cut"] for shard in shards]))
    return Activations(np.stack(features), cuts)
