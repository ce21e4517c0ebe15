"""What the network says of files when it is asked without the portal."""

import csv
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml.__main__ import main
from tests.support.live_stack import PROJECT, LiveStack


@dataclass(frozen=True)
class DirectAnswer:
    probability: float
    calibrated_probability: float
    outcome: str


def judge_directly(stack: LiveStack, files: list[Path]) -> dict[str, DirectAnswer]:
    """Answers of the stack's active network by sha256 of the file, from `python -m ml evaluate`."""
    ((file,),) = stack.query("SELECT file FROM classifier_modelversion WHERE lifecycle = 'active'")
    models = Path(stack.env.get("DERMAPORT_MODELS_DIR") or PROJECT / "ml" / "weights")
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "images")
        images.mkdir()
        for number, path in enumerate(files):
            shutil.copy(path, images / f"{number:05}{path.suffix}")
        return evaluate(models / file, images, Path(folder, "predictions.csv"))


def evaluate(model: Path, images: Path, output: Path) -> dict[str, DirectAnswer]:
    """`python -m ml evaluate`, in this process: it loads TensorFlow once for all that ask."""
    arguments = ["--model", model, "--images", images, "--output", output, "--bootstrap", 20]
    assert main(["evaluate", *map(str, arguments)]) == 0
    with output.open(newline="", encoding="utf-8") as stream:
        return {
            row["sha256"]: DirectAnswer(
                float(row["probability"]), float(row["calibrated_probability"]), row["outcome"]
            )
            for row in csv.DictReader(stream)
        }
