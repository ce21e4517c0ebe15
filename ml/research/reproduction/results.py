"""The result of one finished run on disk, until all of them are written together."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.research.reproduction.runs import ReproductionRun
from ml.training.checkpoints import CheckpointError

_NAME = "result.json"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run came to: `history` one row an epoch, `probabilities` of the test images.

    `probabilities` are P(malignant) after the last epoch in the order of the test records;
    `seconds` is the time its epochs took; `made_with` names device and versions.
    """

    run: ReproductionRun
    parameters: int
    history: list[dict[str, float]]
    probabilities: list[float]
    seconds: float
    made_with: dict[str, str]


def save_result(folder: Path, result: RunResult, plan: dict[str, Any]) -> None:
    """Write `result` of `plan` into `folder`, whole or not at all; raises OSError."""
    values = {
        "plan": plan,
        "parameters": result.parameters,
        "history": result.history,
        "probabilities": result.probabilities,
        "seconds": result.seconds,
        "made_with": result.made_with,
    }
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / (_NAME + ".partial")
    draft.write_text(json.dumps(values), encoding="utf-8")
    draft.replace(folder / _NAME)


def load_result(folder: Path, run: ReproductionRun, plan: dict[str, Any]) -> RunResult | None:
    """Return the result in `folder`, or None when the run is not finished.

    Raises CheckpointError when it was made by another plan than `plan`.
    """
    path = folder / _NAME
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    if values["plan"] != plan:
        changed = sorted(key for key in plan if values["plan"].get(key) != plan[key]) or ["plan"]
        raise CheckpointError(
            f"Expected the result of the same plan in {folder}, received another {', '.join(changed)}. "
            f"Choose another folder, or start over with --restart."
        )
    return RunResult(
        run=run,
        parameters=values["parameters"],
        history=values["history"],
        probabilities=values["probabilities"],
        seconds=values["seconds"],
        made_with=values["made_with"],
    )
