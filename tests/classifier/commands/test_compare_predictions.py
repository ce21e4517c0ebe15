"""The portal's results against a table of the same files, image by image."""

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import PredictionFactory, restated_together

COLUMNS = ("path", "sha256", "label", "probability", "calibrated_probability", "outcome")


@pytest.fixture
@restated_together()
def rows(db):
    """Four results: 0.12 benign, 0.91 malignant, 0.5 refer, 0.12 benign."""
    return [
        PredictionFactory(state="succeeded", outcome=outcome)
        for outcome in ("benign", "malignant", "refer", "benign")
    ]


def write_table(folder: Path, rows, labels, **changes) -> Path:
    path = folder / "predictions.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row, label in zip(rows, labels, strict=True):
            values = {
                "path": "x.jpg",
                "sha256": row.image.sha256,
                "label": label,
                "probability": row.probability,
                "calibrated_probability": row.calibrated_probability,
                "outcome": row.outcome,
            }
            writer.writerow({**values, **(changes if row is rows[0] else {})})
    return path


LABELS = ("benign", "malignant", "benign", "")


def test_equal(rows, tmp_path, capsys):
    call_command("compare_predictions", write_table(tmp_path, rows, LABELS))
    said = capsys.readouterr().out
    assert "Differences            0" in said
    assert said.count("0.666667 (2 of 3 labelled images)") == 2


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"probability": 0.1201}, "probability 0.12000000, expected 0.12010000"),
        ({"calibrated_probability": 0.2}, "calibrated probability 0.12000000"),
        ({"outcome": "refer"}, "outcome benign, expected refer"),
        ({"sha256": "f" * 64}, "no result in the portal"),
    ],
)
def test_difference_is_named_and_fails(rows, tmp_path, capsys, changes, what):
    with pytest.raises(CommandError, match="1 images differ"):
        call_command("compare_predictions", write_table(tmp_path, rows, LABELS, **changes))
    assert what in capsys.readouterr().out


def test_outcome_on_an_edge_may_differ(db, tmp_path):
    row = PredictionFactory(state="succeeded", outcome="refer", probability=0.4)
    table = write_table(tmp_path, [row], ["benign"], outcome="benign", calibrated_probability=0.399999)
    call_command("compare_predictions", table)


def test_another_table(db, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="can't be read"):
        call_command("compare_predictions", path)
