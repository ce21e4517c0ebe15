"""Checkpoints of a training run: numbers only, written whole or not at all."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

_NAME = "checkpoint.npz"


class CheckpointError(ValueError):
    """The checkpoint belongs to another training plan or cannot be read."""


@dataclass(slots=True)
class Progress:
    """What a run has done: one row of figures for each finished epoch, and the seconds it took."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: list[NDArray[np.float32]] = field(default_factory=list)
    seconds: float = 0.0


def save_checkpoint(folder: Path, model: "keras.Model", progress: Progress, plan: dict[str, Any]) -> None:
    """Write weights, optimizer state, best weights, history and `plan`; raises OSError."""
    arrays = {f"weight_{i}": np.asarray(w) for i, w in enumerate(model.get_weights())}
    for index, variable in enumerate(model.optimizer.variables):
        arrays[f"optimizer_{index}"] = np.asarray(variable)
    for index, weight in enumerate(progress.best_weights):
        arrays[f"best_{index}"] = weight
    state = {
        "plan": plan,
        "history": progress.history,
        "best_epoch": progress.best_epoch,
        "seconds": progress.seconds,
    }
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / (_NAME + ".partial")
    with draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(folder / _NAME)


def restore_checkpoint(folder: Path, model: "keras.Model", plan: dict[str, Any]) -> Progress:
    """Load the checkpoint in `folder` into a compiled `model` with a built optimizer.

    Returns an empty Progress, and touches nothing, when there is none. Raises CheckpointError
    when the checkpoint was made by another plan: mixing two runs would give a network nobody
    can reproduce.
    """
    path = folder / _NAME
    if not path.exists():
        return Progress()
    with np.load(path, allow_pickle=False) as arrays:
        state = json.loads(arrays["state"].tobytes())
        if state["plan"] != plan:
            changed = sorted(k for k in plan if state["plan"].get(k) != plan[k]) or ["plan"]
            raise CheckpointError(
                f"Expected a checkpoint of the same plan in {folder}, received another "
                f"{', '.join(changed)}. Choose another folder, or start over with --restart."
            )
        count = len(model.get_weights())
        model.set_weights([arrays[f"weight_{i}"] for i in range(count)])
        for index, variable in enumerate(model.optimizer.variables):
            variable.assign(arrays[f"optimizer_{index}"])
        best = [arrays[f"best_{i}"] for i in range(count)] if state["best_epoch"] else []
    return Progress(state["history"], state["best_epoch"], best, state.get("seconds", 0.0))
