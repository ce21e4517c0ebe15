import csv
import json

import numpy as np
import pytest

from ml.datasets.sources import COUNTED
from ml.research.report.stored import Results
from ml.research.report.travel import write_travel
from ml.training.left_out_sources import COLUMNS, read_left_out


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results" / "left-out-sources"
    folder.mkdir(parents=True)
    for name, mean in (("probe", 0.81), ("tuned", 0.86)):
        by_source = {
            source: {"images": 40, "malignant": 20, "auc": mean + shift, "within_set": None}
            for source, shift in zip(COUNTED, (0.03, 0.01, -0.05, 0.01), strict=True)
        }
        record = {
            "recipe": name,
            "description": f"the {name}",
            "counts": {"msk": [1390, 353]},
            "by_source": by_source,
            "mean": mean,
            "worst": mean - 0.05,
            "lesions": {"folds": 5, "images": 160, "auc": 0.9, "paper": 0.95},
        }
        (folder / f"{name}.json").write_text(json.dumps(record))
    generator = np.random.default_rng(0)
    with (folder / "tuned.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for source in (*COUNTED, "msk+uda"):
            for index in range(80):
                label = index % 2
                p = 1 / (1 + np.exp(-generator.normal(2 * label - 1)))
                writer.writerow(("set", f"{index}.jpg", label, source, source, p, 1.0))
    return Results(tmp_path / "results", tmp_path / "weights", rounds=10)


def test_recipes_stand_by_their_mean_with_the_worst_beside(results):
    section = write_travel(results)
    rows = [line for line in section.splitlines() if line.startswith(("| tuned", "| probe"))]
    assert rows[0].startswith("| tuned | the tuned | 0.860 | 0.810 |")
    assert rows[1].startswith("| probe | the probe | 0.810 | 0.760 |")
    assert "1,390 benign and 353 malignant" in section


def test_promises_are_shown_for_each_source_left_out(results):
    section = write_travel(results)
    table = section[section.index("Malignant called benign") :]
    assert all(f"| {name} | 80 |" in table for name in ("HAM10000", "MSK", "UDA", "ISIC 2020"))
    assert "msk+uda" not in table


def test_only_hold_outs_that_are_counted_take_part_in_the_policy(results, tmp_path):
    images = read_left_out(tmp_path / "results" / "left-out-sources" / "tuned.csv")
    assert set(images.sources.tolist()) == set(COUNTED)
    assert images.distances is not None
    (tmp_path / "empty.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(ValueError, match=r"in empty\.csv, received none"):
        read_left_out(tmp_path / "empty.csv")


def test_without_results_the_section_says_what_makes_them(tmp_path):
    assert "python -m ml sources" in write_travel(Results(tmp_path, tmp_path, rounds=10))
