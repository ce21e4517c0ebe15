import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.evaluation.stored_predictions import RESULTS, ResultsError
from ml.research.report import stored
from ml.research.report.card import write_card
from ml.research.report.document import BEGIN, END, write_figures, write_report
from ml.research.report.measures import measure_part, measure_share
from ml.research.report.sets import guess_source, read_clean, read_seen
from ml.research.report.stored import COMPARISON, DEFAULT_NETWORK, Results
from ml.research.report.targets import ReportTarget, list_targets
from ml.serving.specification import ModelSpecification
from ml.training.plans import default_plan
from tests.ml.research.stored import store_network

HEADINGS = [
    "The 530 test images of unseen lesions",
    "Within one source",
    "The 602 clean test images",
    "All 660 test images",
    "Lesion-grouped cross-validation",
    "On a source left out",
    "External sets",
    "Predictive values",
    "Subgroups",
    "Repeat consistency",
    "Coverage against error",
    "Calibration",
]


@pytest.fixture
def shelf(tmp_path, specification_data):
    """A weights folder with one network and a folder of its stored results."""
    history = [{"epoch": epoch, "loss": 1 / epoch, "validation_auc": 0.8} for epoch in (1, 2, 3)]
    specification_data |= {"training": {"data": "fanconi-isic", "history": history}}
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/drawn.h5").write_bytes(b"not read")
    ModelSpecification.from_dict(specification_data).save(tmp_path / "weights/drawn.json")
    store_network(tmp_path / "results", specification_data)
    return tmp_path


def open_results(shelf):
    return Results(shelf / "results", shelf / "weights", rounds=30)


def run(shelf, command, *more):
    places = ["--results", str(shelf / "results"), "--weights", str(shelf / "weights"), "--bootstrap", "30"]
    if command == "report":
        places += ["--output", str(shelf / "REPORT.md"), "--page", str(shelf / "networks.md")]
    return main([command, *places, *more])


def test_the_report_is_written_in_the_asked_order_and_twice_the_same(shelf):
    first, second = open_results(shelf), open_results(shelf)
    text = write_report(first)
    assert text == write_report(second)
    assert first.plots == second.plots
    places = [text.index(f"## {heading}") for heading in HEADINGS]
    assert places == sorted(places)
    assert set(first.plots) == {
        *("roc.svg", "calibration.svg", "coverage.svg", "confusion.svg", "subgroups.svg", "training.svg")
    }
    assert all(f"results/plots/{name}" in text for name in first.plots)
    assert b"<dc:date>" not in first.plots["roc.svg"]


def test_without_results_every_section_says_what_makes_it(tmp_path):
    text = write_report(Results(tmp_path / "results", tmp_path / "weights"))
    for section in text.split("\n## ")[1:]:
        assert "python -m ml " in section, section[:40]
    assert "Not measured yet" in text


def test_predictions_of_another_file_are_not_reported(shelf, specification_data):
    ModelSpecification.from_dict(specification_data | {"sha256": "1" * 64}).save(shelf / "weights/drawn.json")
    results = open_results(shelf)
    assert results.networks == []
    assert results.missing == ["drawn"]
    assert "No predictions are stored for drawn" in write_report(results)


def test_a_changed_csv_is_refused(shelf):
    path = shelf / "results/predictions/drawn/fanconi-test.csv"
    path.write_text(path.read_text().replace("benign/0.jpg", "benign/zero.jpg"))
    with pytest.raises(ResultsError, match="received another"):
        write_report(open_results(shelf))


def test_parts_hold_what_they_are_named_for(shelf):
    network = open_results(shelf).networks[0]
    assert all("clean" in row.image.tags for row in read_clean(network).rows)
    assert {row.image.diagnosis for row in read_seen(network, "ham10000-subset").rows} == {"nv", "mel"}


def test_the_source_rule_looks_at_the_tag_alone(shelf):
    part = open_results(shelf).networks[0].read_part("fanconi-test")
    known = np.array(["ham10000" in row.image.tags for row in part.rows])
    assert guess_source(part)["accuracy"].value == np.mean(known != part.y)


def test_a_part_counted_by_hand(shelf):
    network = open_results(shelf).networks[0]
    part = network.read_part("fanconi-test")
    figures = measure_part(part, network.policy, rounds=30)
    missed = sum(row.scored.outcome == "benign" for row in part.rows if row.scored.label == "malignant")
    assert figures["missed"].value == missed / part.y.sum()
    assert figures["accuracy_half"].value == np.mean((part.p >= 0.5) == part.y)
    assert figures["auc"].low <= figures["auc"].value <= figures["auc"].high
    assert set(measure_part(part.keep(lambda row: row.scored.label == "benign"), network.policy)) == {
        *("answered", "specificity", "alarmed")
    }


def test_repeated_lesions_widen_a_share():
    hits = np.arange(200) % 10 < 5
    alone = measure_share(hits, [str(index) for index in range(200)])
    together = measure_share(hits, [str(index // 5) for index in range(200)])
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert measure_share(np.ones(200, dtype=bool), ["a"] * 200).low < 0.3


@pytest.mark.parametrize(
    ("value", "at_most", "verdict"),
    [(0.93, False, "missed by 0.2 points"), (0.932, False, "held"), (0.94, True, "missed by 0.8 points")],
)
def test_a_target_is_held_or_missed_by_so_much(value, at_most, verdict):
    assert ReportTarget("x", 0.932, value, "", at_most).verdict == verdict


def test_targets_are_computed(shelf):
    results = open_results(shelf)
    rate = {"value": 0.05, "low": 0.03, "high": 0.07}
    row = {
        "name": "test (660)",
        "kind": "dermoscopy",
        "images": 660,
        "rate": rate,
        "by_code": {"blurred": 33},
    }
    (shelf / "results/gates.json").write_text(json.dumps({"sets": [row], "auroc": []}))
    targets = {target.words: target for target in list_targets(results, results.networks[0])}
    assert len(targets) == 14
    assert targets["False refusals of the gates on the 660 ≤ 3 %"].verdict == "missed by 2.0 points"
    assert "blurred 33" in write_report(results)


def test_refusals_stand_beside_those_of_the_former_gates(shelf):
    row = {
        "name": "isic2017-segmentation",
        "kind": "dermoscopy",
        "images": 200,
        "rate": {"value": 0.005, "low": 0.001, "high": 0.028},
        "by_code": {"blurred": 1},
        "kinds": {"dermoscopic": 180, "": 20},
    }
    before = {**row, "rate": {"value": 0.06, "low": 0.035, "high": 0.102}, "by_code": {"blurred": 11}}
    stored = {
        "version": "gates-2.0.0",
        "margins": {"sharpness": 0.03},
        "copies": {"pictures": 40, "copies": 3, "measures": {"sharpness": {"near": 7, "greatest": 0.02}}},
        "kinds": [{"name": "close-ups", "images": 10, "kinds": {"clinical": 8, "dermoscopic": 2}}],
        "sets": [row],
        "auroc": [],
    }
    (shelf / "results/gates.json").write_text(json.dumps(stored))
    former = {"version": "gates-1.1.0", "sets": [before]}
    (shelf / "results/gates-1.1.0.json").write_text(json.dumps(former))
    text = write_report(open_results(shelf))
    assert (
        "| isic2017-segmentation | dermoscopy | 200 | 6.0 % (3.5–10.2) | 0.5 % (0.1–2.8) | blurred 11 "
        "| blurred 1 |" in text
    )
    assert "| sharpness | 7 | 0.0200 | 0.0300 |" in text
    assert "| close-ups (fit without it) | 10 | 20.0 % " in text
    assert "| isic2017-segmentation | 200 | 90.0 % " in text


def test_cross_validation_ablation_and_extra_data_are_shown(shelf, specification_data):
    folder = shelf / "results/cross-validation"
    folder.mkdir()
    lines = [
        f"fanconi-isic,{n}.jpg,{n % 2},g{n // 2},{n % 4 // 2},{0.9 if n % 2 else 0.2}" for n in range(40)
    ]
    header = "data_set,path,label,group,fold,probability"
    (folder / "plain.csv").write_text("\n".join([header, *lines]) + "\n")
    figures = {"images": 40, "accuracy": 0.885, "auc": 0.95, "log_loss": 0.25}
    summary = {
        "recipe": "plain",
        "description": "no changes",
        "data_sets": ["fanconi-isic"],
        "folds": 3,
        "plan": {"epochs": 8},
        "views": ["identity"],
        "device": "CPU: drawn",
        "backend": "jax",
        "held_out": [0, 1],
        "seconds": 600,
        "figures": figures,
        "by_fold": [{"fold": 0, **figures, "auc": 0.94}],
    }
    (folder / "plain.json").write_text(json.dumps(summary))
    text = write_report(open_results(shelf))
    assert "| plain | 40 | 2 | 1.000 (1.000–1.000) | 1.000, 1.000 | 100.0 %" in text
    tried = "| plain | no changes | fanconi-isic | 8 | 1 | 2 of 3 | 88.5 % | 0.950 | 0.250 | 88.5 % | 0.940 | 0.250 | 5 | CPU: drawn, jax |"
    assert tried in text


@pytest.mark.parametrize(
    ("epochs", "words"), [(16, "by the same plan and seed"), (8, "by a plan that differs in epochs too")]
)
def test_the_default_stands_beside_the_same_recipe_on_the_papers_images_alone(
    shelf, specification_data, epochs, words
):
    plan = {"epochs": 16, "seed": 0}
    data = specification_data | {"name": DEFAULT_NETWORK, "file": "default.h5"}
    data["training"] = {"data": ["fanconi-isic", "ham10000-extra-train"], "plan": plan}
    ModelSpecification.from_dict(data).save(shelf / "weights/default.json")
    store_network(shelf / "results", data, skill=3.0)
    twin = data | {"version": "1.0.0-alone", "sha256": "1" * 64}
    twin["training"] = {"data": ["fanconi-isic"], "plan": plan | {"epochs": epochs}}
    store_network(shelf / "results", twin, name=COMPARISON)
    results = open_results(shelf)
    assert [network.name for network in results.networks] == [DEFAULT_NETWORK, "drawn"]
    text = write_report(results)
    assert f"*{COMPARISON}* (1.0.0-alone) stands beside {DEFAULT_NETWORK} " in text
    assert f"trained on fanconi-isic alone, {words}. It doesn't ship." in text
    assert text.count(f"|  | {DEFAULT_NETWORK} | {COMPARISON} | drawn |") >= 4
    section = text.split("## With and without")[1].split("\n## ")[0]
    assert "| 602 clean |" in section
    assert "--version 1.0.0-alone" in section


def test_a_twin_is_not_shown_without_its_default(shelf, specification_data):
    store_network(shelf / "results", specification_data, name=COMPARISON)
    assert COMPARISON not in write_report(open_results(shelf))


def test_extra_data_are_judged_against_the_same_recipe_on_the_images_that_both_held_out(shelf):
    folder = shelf / "results/cross-validation"
    folder.mkdir()
    header = "data_set,path,label,group,fold,probability"
    extra = ["fanconi-isic", "ham10000-extra-train"]
    for name, sets, epochs, count, skill in (
        ("alone", ["fanconi-isic"], 16, 40, 0.9),
        ("alone-for-longer", ["fanconi-isic"], 30, 40, 0.9),
        ("both", extra, 16, 20, 0.1),
        ("both-by-another-plan", extra, 10, 20, 0.1),
    ):
        lines = [f"fanconi-isic,{n}.jpg,{n % 2},g{n},0,{skill if n % 2 else 0.2}" for n in range(count)]
        lines += ["ham10000-extra-train,8.jpg,0,h,0,0.1", "ham10000-extra-train,9.jpg,1,i,0,0.4"]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
        summary = {
            "recipe": name,
            "description": "",
            "data_sets": sets,
            "plan": {"epochs": epochs},
            "views": [],
            "folds": 2,
            "held_out": [0],
            "seconds": 1,
            "figures": {"accuracy": 1.0, "auc": 1.0, "log_loss": 0.1},
            "by_fold": [],
        }
        (folder / f"{name}.json").write_text(json.dumps(summary))
    section = write_report(open_results(shelf)).split("## With and without")[1].split("\n## ")[0]
    assert "| both | alone | 20 | 0.000 | 1.000 | -1.000 (-1.000 to -1.000) | 1.000 |" in section
    assert "both-by-another-plan" not in section


def test_the_command_writes_and_checks_report_and_page(shelf, capsys):
    page = shelf / "networks.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    assert run(shelf, "report", "--check") == 1
    assert run(shelf, "report", "--update") == 0
    assert run(shelf, "report", "--check") == 0
    assert page.read_text() == f"before\n{write_figures(open_results(shelf))}\nafter\n"
    page.write_text(page.read_text().replace("AUC", "ACU"))
    assert run(shelf, "report", "--check", "--figures") == 1
    assert "networks.md is not what" in capsys.readouterr().err
    page.write_text("no markers")
    assert run(shelf, "report", "--update") == 1


def test_a_card_says_what_the_specification_says(shelf):
    assert run(shelf, "card", "--check") == 1
    assert run(shelf, "card") == 0
    assert run(shelf, "card", "--check") == 0
    card = (shelf / "weights/drawn.md").read_text()
    for words in (
        "0" * 64,
        "## Intended use",
        "## Not for",
        "## Limits",
        "## Ethical notes",
        "| 602 clean |",
    ):
        assert words in card


def test_a_card_names_the_command_that_made_the_network(shelf, specification_data):
    training = {"data": ["fanconi-isic", "ham10000-extra-train"], "history": []}
    training["calibrated_on"] = "out-of-fold predictions, both.csv"
    data = specification_data | {"views": ["identity", "flip_left_right"], "training": training}
    card = write_card(open_results(shelf), ModelSpecification.from_dict(data))
    options = "--data-sets fanconi-isic ham10000-extra-train --views 2 --calibration ml/results/cross-validation/both.csv"
    assert f"`python -m ml train --architecture paper-cnn-2 {options}`" in card


def test_a_card_names_what_the_plan_changes(shelf, specification_data):
    plan = default_plan("efficientnetv2-b0").to_dict() | {
        "input_size": 224,
        "training_sizes": [160, 224],
        "seed": 3,
    }
    training = {"data": ["fanconi-isic"], "plan": plan}
    changes = {"architecture": "efficientnetv2-b0", "version": "2.0.0", "training": training}
    data = specification_data | changes
    card = write_card(open_results(shelf), ModelSpecification.from_dict(data))
    assert (
        "--architecture efficientnetv2-b0 --version 2.0.0 --input-size 224 --seed 3 --training-sizes 160 224`"
        in card
    )


def test_a_card_says_what_was_left_out_of_a_set(shelf, specification_data):
    training = {"data": ["fanconi-isic", "ham10000-extra-train"], "left_out": ["nv"]}
    card = write_card(
        open_results(shelf), ModelSpecification.from_dict(specification_data | {"training": training})
    )
    assert "no lesion of another set; without its nv\n" in card
    assert "--leave-out nv" in card


def test_the_committed_report_and_cards_are_what_the_results_give():
    if not (RESULTS.parent / "REPORT.md").is_file():
        pytest.skip("no report is committed yet; python -m ml report writes it")
    assert main(["card", "--check"]) == 0
    results = Results()
    assert (RESULTS.parent / "REPORT.md").read_text(encoding="utf-8") == write_report(results)
    committed = {name: (RESULTS / "plots" / name).read_bytes() for name in results.plots}
    assert committed == results.plots


def test_the_page_of_the_networks_quotes_the_figures():
    page = (stored.WEIGHTS.parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    assert write_figures(Results()) in page
