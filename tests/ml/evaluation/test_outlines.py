"""Figures of outlines: overlaps that are known, and how far a measure moves between shots of one lesion."""

import json
import math

import numpy as np
import pytest

from ml.evaluation.outlines import (
    Overlap,
    Shot,
    find_quantiles,
    format_table,
    measure_dice,
    measure_jaccard,
    read_overlaps,
    summarise_overlaps,
    summarise_shots,
    write_overlaps,
)
from ml.outlines.measures import Measures
from tests.ml.test_lightness import ROOT

STORED = ROOT / "ml" / "results" / "outlines"


def square(start, stop):
    mask = np.zeros((10, 10), bool)
    mask[start:stop, start:stop] = True
    return mask


def test_overlaps_of_squares():
    found, truth = square(0, 4), square(2, 6)
    assert measure_jaccard(found, truth) == 4 / 28
    assert measure_dice(found, truth) == 8 / 32
    assert measure_jaccard(found, found) == measure_dice(truth, truth) == 1
    nothing = np.zeros((10, 10), bool)
    assert (measure_jaccard(nothing, found), measure_dice(nothing, nothing)) == (0, 1)


def overlap(name, jaccard, label=0, lesion=""):
    dice = 2 * jaccard / (1 + jaccard)
    return Overlap(name, label, lesion or name, 0, jaccard, dice, 0.2 * jaccard, 0.2, 0.5, 0.5)


ROWS = [overlap(f"ISIC_{n}", 0.5 + 0.04 * n, label=n % 2) for n in range(10)]


def test_means_have_intervals_by_lesion_and_survive_a_table(tmp_path):
    path = tmp_path / "unet.csv"
    write_overlaps(path, reversed(ROWS))
    assert [row.image_id for row in read_overlaps(path)] == [row.image_id for row in ROWS]
    found = summarise_overlaps(read_overlaps(path), rounds=200)
    assert found["jaccard"]["value"] == pytest.approx(0.68)
    assert found["jaccard"]["low"] < 0.68 < found["jaccard"]["high"]
    assert found["jaccard_malignant"]["value"] == pytest.approx(0.70)
    assert (found["images"], found["lesions"], found["failed"]) == (10, 10, 0.4)
    assert "0.680" in format_table({"unet": found})
    assert "0.76 to 0.80" in format_table({"unet": found})


def test_images_of_one_lesion_are_drawn_together():
    alone = summarise_overlaps(ROWS, rounds=400)["jaccard"]
    joined = [overlap(row.image_id, row.jaccard, row.label, f"lesion {row.jaccard < 0.68}") for row in ROWS]
    together = summarise_overlaps(joined, rounds=400)["jaccard"]
    assert together["high"] - together["low"] > alone["high"] - alone["low"]


def shot(lesion, area=0.2, *, is_cut=False, asymmetry=0.1):
    return Shot("", lesion, Measures(area, 0.5, asymmetry, 1.2, ("red",), is_cut=is_cut))


def test_sizes_move_by_ratios_within_lesions_alone():
    shots = [shot("a", 0.1), shot("a", 0.11), shot("b", 0.4), shot("b", 0.44)]
    found = summarise_shots([*shots, shot("c"), shot("a", 0.9, is_cut=True), Shot("", "a", None)])
    assert (found["lesions"], found["pairs"], found["used"], found["cut"], found["outlined"]) == (
        2,
        2,
        4,
        1,
        6,
    )
    assert found["area"]["moves"] == pytest.approx(0.1, abs=1e-3)
    assert found["area"]["within_sd"] == pytest.approx(math.log(1.1) / math.sqrt(2), abs=1e-3)
    assert found["asymmetry"] == {"within_sd": 0, "typical": 0, "moves": 0}


def test_one_lesion_alone_repeats_nothing():
    with pytest.raises(ValueError, match="Expected lesions with two shots"):
        summarise_shots([shot("a"), shot("b")])


def test_a_lesion_with_many_shots_counts_by_its_shots_less_one():
    assert find_quantiles([[0, 1], [0, 0, 0, 0]], (0.5, 0.95)) == [0, 1]
    assert find_quantiles([[0, 1], [0, 2], [0, 3]], (0.3, 0.6, 1.0)) == [1, 2, 3]


@pytest.mark.parametrize("name", ["unet", "fcn-8s"])
def test_stored_figures_are_those_of_the_stored_overlaps(name):
    stored = json.loads((STORED / "figures.json").read_text("utf-8"))[name]
    rows = read_overlaps(STORED / f"{name}.csv")
    assert len(rows) == 200
    assert {row.fold for row in rows} == set(range(5))
    assert summarise_overlaps(rows, rounds=20)["jaccard"]["value"] == stored["jaccard"]["value"]
    assert summarise_overlaps(rows, rounds=20)["area_error"] == stored["area_error"]
