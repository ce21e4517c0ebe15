from types import SimpleNamespace

import numpy as np
import pytest

from ml.report.shortfalls import explain_shortfalls, find_best_cut
from ml.report.stored import Results
from ml.report.targets import list_targets, write_targets
from ml.specification import ModelSpecification
from tests.ml.stored import store_network


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


@pytest.mark.parametrize(("malignant", "told"), [(0.9, "It may be"), (0.1, "It is not")])
def test_cross_validation_is_named_where_it_is_stored(results, malignant, told):
    network = results.networks[0]
    missed = {"AUC on the 660 ≥ 0.975": 0.975}
    assert explain_shortfalls(results, network, missed) == ""
    folder = results.folder / "cross-validation"
    folder.mkdir()
    lines = [f"fanconi-isic,{n}.jpg,{n % 2},{malignant if n % 2 else 0.2}" for n in range(8)]
    (folder / "paper-data.csv").write_text("\n".join(["data_set,path,label,probability", *lines]) + "\n")
    auc = "1.000" if malignant > 0.2 else "0.000"
    text = explain_shortfalls(results, network, missed)
    assert f"{told} the draw of the test" in text
    assert f"an AUC of {auc} over 8 images" in text
