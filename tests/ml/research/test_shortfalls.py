from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.research.report.shortfalls import explain_shortfalls, find_best_cut
from ml.research.report.stored import Results
from ml.research.report.targets import list_targets, write_targets
from ml.serving.specification import ModelSpecification
from tests.ml.research.stored import store_network

MISSED = {"AUC on the 660 ≥ 0.975": 0.975}


@pytest.fixture
def results(tmp_path, specification_data):
    (tmp_path / "weights").mkdir()
    data = specification_data | {"training": {"data": "fanconi-isic"}}
    ModelSpecification.from_dict(data).save(tmp_path / "weights/drawn.json")
    store_network(tmp_path / "results", data, skill=0.5)
    return Results(tmp_path / "results", tmp_path / "weights", rounds=30)


def test_best_cut_is_that_of_the_images_themselves():
    part = SimpleNamespace(p=np.array([0.1, 0.2, 0.3, 0.4, 0.9]), y=np.array([0, 0, 1, 0, 1], bool))
    accuracy, cut = find_best_cut(part)
    assert accuracy == pytest.approx(0.8)
    assert cut == pytest.approx(0.3)


def test_only_what_is_missed_is_explained(results):
    network = results.networks[0]
    assert explain_shortfalls(results, network, {}) == ""
    text = explain_shortfalls(results, network, {"AUC on ISIC 2017, diagnoses seen ≥ 0.5": 0.5})
    assert text.count("\n") == 0
    assert "HAM10000" in text
    assert "No cut" not in text


def test_archive_explains_nothing_where_the_known_one_fails_too(results):
    missed = {"AUC on ISIC 2017, diagnoses seen ≥ 0.999": 0.999}
    assert explain_shortfalls(results, results.networks[0], missed) == ""


def test_targets_missed_are_followed_by_what_the_figures_say(results):
    assert not all(target.held for target in list_targets(results, results.networks[0]))
    text = write_targets(results)
    assert "No cut mends the accuracy: the best one on the 660 themselves" in text
    assert "[What was tried](#what-was-tried)" in text


def test_cut_that_would_do_is_not_blamed_on_the_order(results):
    text = explain_shortfalls(results, results.networks[0], {"Accuracy on the 660 (P ≥ 0.5) ≥ 50 %": 0.5})
    assert "would reach the accuracy" in text
    assert "No cut" not in text


@pytest.fixture
def folder(results):
    """Three recipes, one of them upside down, and a fourth that judged half of the images."""
    folder = results.folder / "cross-validation"
    folder.mkdir()
    for name, count, high in (("one", 8, 0.9), ("two", 8, 0.8), ("half", 4, 0.9), ("upside-down", 8, 0.1)):
        lines = [f"fanconi-isic,{n}.jpg,{n % 2},{high if n % 2 else 0.2}" for n in range(count)]
        lines.append("ham10000-extra-train,0.jpg,1,0.1")
        (folder / f"{name}.csv").write_text("\n".join(["data_set,path,label,probability", *lines]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("recipe", "auc", "told"), [("one", "1.000", "It may be"), ("upside-down", "0.000", "It is not")]
)
def test_cross_validation_of_the_recipe_is_named_where_it_is_stored(results, folder, recipe, auc, told):
    network = results.networks[0]
    assert "draw of the test" not in explain_shortfalls(results, network, MISSED)
    training = {"calibrated_on": f"out-of-fold predictions, {recipe}.csv"}
    named = replace(network, specification=replace(network.specification, training=training))
    text = explain_shortfalls(results, named, MISSED)
    assert f"{told} the draw of the test" in text
    assert f"an AUC of {auc} over 8 of the paper's images" in text


def test_the_average_of_the_recipes_that_judged_the_same_images_is_told(results, folder):
    text = explain_shortfalls(results, results.networks[0], MISSED)
    assert "Averaged over 3 recipes" in text
    assert "the accuracy 100.0 % on the same 8 images" in text
    for name in ("two", "upside-down"):
        (folder / f"{name}.csv").unlink()
    assert "Averaged over" not in explain_shortfalls(results, results.networks[0], MISSED)
