import pytest

from ml.datasets.records import ImageRecord
from ml.research.reproduction.conclusions import describe_comparison, describe_constant, describe_published
from ml.research.reproduction.groups import estimate_difference, estimate_mean, group_runs
from ml.research.reproduction.results import RunResult
from ml.research.reproduction.runs import ReproductionRun, list_runs
from ml.research.reproduction.section import describe_reproduction, pick_shown_runs
from ml.research.reproduction.tables import choose_samples, read_tables, write_tables

RECORDS = [
    ImageRecord(
        path=f"test/{'malignant' if i % 2 else 'benign'}/{i}.png",
        split="test",
        label=i % 2,
        sha256=f"{(i * 37) % 101:064d}",
        group=str(i),
        clean=i > 3,
    )
    for i in range(100)
]
DATA = {"name": "drawn", "train_images": 200, "test_images": 100, "sha256": "0" * 64}


def make_result(run: ReproductionRun, *, test: float, train: float) -> RunResult:
    """A run that calls the first round(100 * test) images right and the others wrong."""
    right = round(100 * test)
    probabilities = [0.9 if (r.label == 1) == (i < right) else 0.1 for i, r in enumerate(RECORDS)]
    history = [
        {
            "epoch": epoch,
            "running_loss": 0.5,
            "running_accuracy": train,
            "train_loss": 0.4,
            "train_accuracy": train,
            "test_loss": 0.6,
            "test_accuracy": test,
        }
        for epoch in (1, 2)
    ]
    return RunResult(run, 1000, history, probabilities, 1.0, {"device": "none"})


def write(folder, figures, unfinished=(), iterations=(100,)):
    """`figures`: {architecture: [(test, train) of seed 0, 1, …]}."""
    results = [
        make_result(ReproductionRun(name, count, seed, epochs=2), test=test, train=train)
        for name, pairs in figures.items()
        for count in iterations
        for seed, (test, train) in enumerate(pairs)
    ]
    write_tables(folder, DATA, results, list(unfinished), RECORDS)
    return group_runs(read_tables(folder).runs)


def test_the_interval_is_students_t():
    estimate = estimate_mean([0.80, 0.82, 0.84])
    assert estimate.mean == pytest.approx(0.82)
    assert estimate.high - estimate.mean == pytest.approx(4.302653 * 0.02 / 3**0.5, abs=1e-6)
    assert estimate.holds(0.85)
    assert not estimate.holds(0.90)


def test_one_value_has_no_interval_and_none_no_mean():
    assert (estimate_mean([0.8]).low, estimate_mean([0.8]).holds(0.8)) == (None, False)
    with pytest.raises(ValueError, match="at least one value"):
        estimate_mean([])


def test_networks_are_compared_over_the_seeds_both_have(tmp_path):
    larger, smaller = write(tmp_path, {"paper-cnn-1": [(0.8, 0.9), (0.7, 0.9)], "paper-cnn-2": [(0.75, 0.8)]})
    difference = estimate_difference(larger, smaller, "test_accuracy")
    assert (difference.mean, difference.count) == (pytest.approx(0.05), 1)


@pytest.mark.parametrize(
    ("larger", "smaller", "verdict"),
    [
        ([0.84, 0.85, 0.83], [0.74, 0.74, 0.73], "holds in these runs"),
        ([0.74, 0.74, 0.73], [0.84, 0.85, 0.83], "does not hold, it is the reverse"),
        ([0.80, 0.84, 0.78], [0.82, 0.79, 0.81], "is not shown by these runs**: every interval"),
        ([0.84], [0.74], "neither shown nor refuted with one seed"),
    ],
)
def test_the_papers_order_is_judged_by_the_interval_of_the_difference(tmp_path, larger, smaller, verdict):
    figures = {
        name: [(test, 0.9) for test in tests]
        for name, tests in (("paper-cnn-1", larger), ("paper-cnn-2", smaller))
    }
    assert verdict in describe_comparison(write(tmp_path, figures))[-1]


def test_a_published_figure_is_laid_beside_the_nearest_of_ours(tmp_path):
    groups = write(
        tmp_path,
        {"paper-cnn-1": [(0.82, 0.92), (0.83, 0.94)], "paper-cnn-2": [(0.83, 0.82), (0.83, 0.84)]},
    )
    first, second = describe_published(groups)
    assert "93 % for CNN-1** lies nearest to CNN-1's accuracy on" in first
    assert "train" in first.split(":")[0]
    assert "the interval holds it" in first
    assert "between 82.0 % and 83.0 %; within one point of 93 % in 0 of them" in first
    assert "74 % for CNN-2** lies nearest to CNN-1's accuracy on the test images" in second


def test_the_section_has_every_part_and_every_group(tmp_path):
    figures = {"paper-cnn-1": [(0.82, 0.92), (0.8, 0.93)], "paper-cnn-2": [(0.83, 0.82), (0.84, 0.83)]}
    write(tmp_path, figures, iterations=(100, 200))
    (tmp_path / "accuracy.svg").write_text("<svg/>")
    text = describe_reproduction(tmp_path)
    assert "](results/reproduction/accuracy.svg)" in text
    assert "loss.svg" not in text
    assert "Unfinished" not in text
    assert "leave out the 4 test images" in text
    assert text.count("| CNN-1 |") == text.count("| CNN-2 |") == 2
    assert "| CNN-1 | 1,000 | 100 | 0, 1 | 93 % | 92.5 % (86.1 to 98.9) | 81.0 % (68.3 to 93.7) |" in text


def test_one_seed_only_claims_no_interval(tmp_path):
    write(tmp_path, {"paper-cnn-1": [(0.82, 0.92)], "paper-cnn-2": [(0.83, 0.82)]})
    text = describe_reproduction(tmp_path)
    assert "82.0 % (one seed)" in text
    assert "the interval holds" not in text
    assert "neither shown nor refuted" in text


def test_an_unfinished_set_says_what_is_missing(tmp_path):
    missing = list_runs(["paper-cnn-2"], [100], [0, 1])
    write(tmp_path, {"paper-cnn-1": [(0.82, 0.92), (0.8, 0.9)]}, missing)
    text = describe_reproduction(tmp_path)
    assert "2 of 4 runs are still to do** (`paper-cnn-2-100-iterations-seed-0`" in text
    assert "CNN-2 itself has no finished run." in text
    assert "nothing can be compared yet" in text


def test_without_any_run_the_section_says_how_to_make_them(tmp_path):
    assert "`python -m ml reproduce` trains them" in describe_reproduction(tmp_path / "none")


def test_samples_are_chosen_without_looking_at_predictions(tmp_path):
    write(tmp_path / "a", {"paper-cnn-1": [(0.82, 0.92)]})
    write(tmp_path / "b", {"paper-cnn-1": [(0.2, 0.3)]})
    chosen = [
        [row["path"] for row in choose_samples(read_tables(tmp_path / x).predictions)] for x in ("a", "b")
    ]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 16
    assert sum("malignant" in path for path in chosen[0]) == 8


def test_runs_that_learnt_nothing_are_named_and_left_out_once(tmp_path):
    groups = write(
        tmp_path, {"paper-cnn-1": [(0.8, 0.9), (0.84, 0.9), (0.82, 0.9)], "paper-cnn-2": [(0.7, 0.7)]}
    )
    assert describe_constant(groups) == []
    lost = groups[0].runs[1]
    lost["final"]["confusion"] = {label: {"benign": 50, "malignant": 0} for label in ("benign", "malignant")}
    lost["final"]["test_accuracy"] = 0.5
    told, without = describe_constant(groups)
    assert "**1 of 4 runs learnt nothing** (`paper-cnn-1-100-iterations-seed-1`)" in told
    assert "CNN-1 at 1 of 3 seeds (Wilson 6 to 79 %); CNN-2 at 0 of 1 seeds (Wilson 0 to 79 %)." in told
    assert "CNN-1 at 100 iterations 81.0 % (68.3 to 93.7), 2 seeds" in without
    assert "CNN-2 at 100 iterations 70.0 % (one seed)" in without
    assert groups[0].estimate("test_accuracy").count == 3
    assert "nearest to CNN-1's" in describe_published(groups)[0]
    assert "(runs that learnt nothing left out)" in describe_published(groups)[0]


def test_samples_are_of_a_run_that_learnt_where_one_did(tmp_path):
    groups = write(tmp_path, {"paper-cnn-1": [(0.8, 0.9)] * 3}, iterations=(100, 200))
    assert [run["name"] for run in pick_shown_runs(groups)] == ["paper-cnn-1-200-iterations-seed-0"]
    lost = {label: {"benign": 50, "malignant": 0} for label in ("benign", "malignant")}
    for seed, shown in ((0, 1), (1, 2), (2, 0)):
        groups[1].runs[seed]["final"]["confusion"] = lost
        assert pick_shown_runs(groups)[0]["name"] == f"paper-cnn-1-200-iterations-seed-{shown}"


def test_where_none_learnt_none_is_left_out(tmp_path):
    groups = write(tmp_path, {"paper-cnn-1": [(0.5, 0.5)]})
    lost = {label: {"benign": 50, "malignant": 0} for label in ("benign", "malignant")}
    groups[0].runs[0]["final"]["confusion"] = lost
    assert "left out" not in describe_published(groups)[0]
    (told,) = describe_constant(groups)
    assert "1 of 1 runs" in told


def test_networks_are_also_compared_where_both_learnt(tmp_path):
    both = [(0.8, 0.9), (0.84, 0.9), (0.82, 0.9)]
    groups = write(tmp_path, {"paper-cnn-1": both, "paper-cnn-2": [(0.7, 0.7)] * 3})
    assert not any("both learnt" in line for line in describe_comparison(groups))
    lost = groups[0].runs[1]["final"]
    lost["confusion"] = {label: {"benign": 50, "malignant": 0} for label in ("benign", "malignant")}
    lost["test_accuracy"] = 0.5
    told = describe_comparison(groups)
    assert "at which both learnt it is +11.0 points" in told[1]
    assert "differs from the smaller by +0.7 points" in told[0]
