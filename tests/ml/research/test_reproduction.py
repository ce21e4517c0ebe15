import json

import numpy as np
import pytest

from ml.__main__ import main
from ml.datasets.records import load_pixels, read_labels, read_records
from ml.research.reproduction.results import load_result, save_result
from ml.research.reproduction.runs import ReproductionRun, draw_batches, list_runs
from ml.research.reproduction.tables import read_tables
from ml.research.reproduction.training import train_run
from ml.training.batches import LabelledPixels
from ml.training.checkpoints import CheckpointError

RUN = ReproductionRun("paper-cnn-2", iterations=3, seed=4, epochs=3, batch_size=8, input_size=32)
PLAN = RUN.to_dict()


@pytest.fixture(scope="module")
def parts(drawn_set):
    records = read_records(drawn_set)
    split = {name: [r for r in records if r.split == name] for name in ("train", "test")}
    return [
        LabelledPixels(load_pixels(drawn_set, part, (32, 32)), read_labels(part)) for part in split.values()
    ]


@pytest.fixture(scope="module")
def uninterrupted(parts, tmp_path_factory):
    return train_run(RUN, *parts, tmp_path_factory.mktemp("whole"), PLAN)


@pytest.fixture(scope="module")
def reproduced(drawn_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduced")
    assert reproduce(drawn_set, folder) == 0
    return folder


def reproduce(drawn_set, folder, *more):
    arguments = ["reproduce", "--data", str(drawn_set), "--folder", str(folder / "work")]
    arguments += ["--results", str(folder / "results"), "--pictures", str(folder / "pictures")]
    arguments += ["--iterations", "2", "3", "--seeds", "0", "1", "--epochs", "2", "--input-size", "32"]
    return main([*arguments, *more])


def test_running_figures_are_means_over_the_epoch(parts, tmp_path):
    """Weights that hardly move: what was seen while training is what is measured after it."""
    everything = len(parts[0].labels)
    run = ReproductionRun(
        "paper-cnn-1", everything, seed=4, epochs=1, batch_size=1, learning_rate=1e-9, input_size=32
    )
    (row,) = train_run(run, *parts, tmp_path, run.to_dict()).history
    assert row["running_accuracy"] == pytest.approx(row["train_accuracy"])
    assert row["running_loss"] == pytest.approx(row["train_loss"], abs=1e-4)


def test_every_run_is_listed_once_a_whole_seed_before_the_next():
    names = [run.name for run in list_runs(["paper-cnn-1", "paper-cnn-2"], [100, 200, 100], [1, 0])]
    assert len(names) == len(set(names)) == 8
    assert [name[-1] for name in names] == ["1"] * 4 + ["0"] * 4
    assert names[0] == "paper-cnn-1-100-iterations-seed-1"


@pytest.mark.parametrize(("iterations", "seeds"), [([0], [0]), ([100], [-1])])
def test_impossible_runs_are_refused(iterations, seeds):
    with pytest.raises(ValueError, match="at least 1 and seeds from 0"):
        list_runs(["paper-cnn-1"], iterations, seeds)


def test_batches_pass_through_every_image_before_any_comes_again():
    run = ReproductionRun("paper-cnn-1", iterations=10, seed=0, batch_size=4)
    batches = list(draw_batches(run, 10, epoch=1))
    assert [len(batch) for batch in batches] == [4] * 10
    stream = np.concatenate(batches).reshape(4, 10)
    assert all(sorted(one) == list(range(10)) for one in stream.tolist())
    assert len({tuple(one) for one in stream.tolist()}) == 4


def test_the_order_is_set_by_seed_and_epoch_alone():
    first, again, epoch, seed = (
        np.concatenate(list(draw_batches(ReproductionRun("paper-cnn-1", 5, s), 50, e)))
        for s, e in ((0, 1), (0, 1), (0, 2), (1, 1))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, epoch)
    assert not np.array_equal(first, seed)


def test_the_same_seed_gives_the_same_figures(parts, uninterrupted, tmp_path):
    again = train_run(RUN, *parts, tmp_path, PLAN)
    assert again.history == uninterrupted.history
    assert again.probabilities == uninterrupted.probabilities


def test_a_run_that_was_stopped_twice_ends_as_one_that_was_not(parts, uninterrupted, tmp_path):
    def interrupt_after(last):
        def interrupt(epoch):
            seen.append(epoch)
            if epoch == last:
                raise KeyboardInterrupt

        return interrupt

    seen = []
    for stop in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            train_run(RUN, *parts, tmp_path, PLAN, after_epoch=interrupt_after(stop))
    result = train_run(RUN, *parts, tmp_path, PLAN, after_epoch=seen.append)
    # Each start says first where it goes on.
    assert seen == [1, 1, 2, 2, 3]
    assert result.history == uninterrupted.history
    assert result.probabilities == uninterrupted.probabilities


def test_another_seed_gives_other_figures(parts, uninterrupted, tmp_path):
    run = ReproductionRun(**PLAN | {"seed": 5})
    assert train_run(run, *parts, tmp_path, run.to_dict()).probabilities != uninterrupted.probabilities


def test_the_running_figures_are_of_the_whole_epoch(parts, tmp_path):
    _, test = parts
    train = LabelledPixels(np.zeros((8, 32, 32, 3), np.uint8), np.array([0, 1] * 4))
    run = ReproductionRun("paper-cnn-1", iterations=5, seed=0, epochs=2, batch_size=8, input_size=32)
    result = train_run(run, train, test, tmp_path, run.to_dict())
    assert [row["running_accuracy"] for row in result.history] == [0.5, 0.5]
    assert result.history[1]["train_loss"] == pytest.approx(np.log(2), abs=0.01)
    assert result.history[1]["running_loss"] == pytest.approx(np.log(2), abs=0.01)


def test_the_result_of_another_plan_is_refused(uninterrupted, tmp_path):
    assert load_result(tmp_path, RUN, PLAN) is None
    save_result(tmp_path, uninterrupted, PLAN)
    assert load_result(tmp_path, RUN, PLAN) == uninterrupted
    with pytest.raises(CheckpointError, match=r"another data\. Choose another folder"):
        load_result(tmp_path, RUN, PLAN | {"data": "others"})


def test_reproduce_writes_runs_predictions_figures_and_samples(reproduced):
    stored = read_tables(reproduced / "results")
    assert len(stored.runs) == 8
    assert stored.unfinished == []
    assert stored.data["train_images"] == 32
    for run in stored.runs:
        rows = [(float(row[run["name"]]), row["label"], row["clean"]) for row in stored.predictions]
        right = np.mean([(p > 0.5) == (label == "malignant") for p, label, _ in rows])
        clean = np.mean([(p > 0.5) == (label == "malignant") for p, label, kept in rows if kept == "1"])
        assert run["final"]["test_accuracy"] == pytest.approx(right, abs=1e-6)
        assert run["final"]["clean_accuracy"] == pytest.approx(clean, abs=1e-6)
        assert run["history"][-1]["test_accuracy"] == run["final"]["test_accuracy"]
        confusion = run["final"]["confusion"]
        assert sum(confusion["malignant"].values()) == sum(confusion["benign"].values()) == 6
        assert len(run["history"]) == 2
    for name in ("accuracy.svg", "loss.svg", "confusion.svg"):
        assert (reproduced / "results" / name).stat().st_size < 60_000
    assert not list((reproduced / "results").glob("samples*"))
    assert (reproduced / "pictures" / "samples.webp").exists()
    assert not list((reproduced / "work").glob("*/checkpoint.npz"))


def test_reproducing_again_trains_nothing_and_writes_the_same(drawn_set, reproduced, capsys):
    before = {path.name: path.read_bytes() for path in (reproduced / "results").iterdir()}
    assert reproduce(drawn_set, reproduced) == 0
    assert "All 8 runs are trained already." in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in (reproduced / "results").iterdir()} == before


def test_a_stopped_set_is_stored_as_far_as_it_went(drawn_set, reproduced, tmp_path, monkeypatch, capsys):
    def stop_at_the_third(run, *args, **more):
        if len(list((tmp_path / "work").glob("*/result.json"))) == 2:
            raise KeyboardInterrupt
        return train_run(run, *args, **more)

    monkeypatch.setattr("ml.commands.reproduce.train_run", stop_at_the_third)
    assert reproduce(drawn_set, tmp_path) == 130
    assert "goes on from the last finished epoch" in capsys.readouterr().err
    stored = read_tables(tmp_path / "results")
    assert (len(stored.runs), len(stored.unfinished)) == (2, 6)
    assert set(stored.predictions[0]) == {"path", "sha256", "label", "clean"} | {
        r["name"] for r in stored.runs
    }
    whole = {run["name"]: run for run in read_tables(reproduced / "results").runs}
    for run in stored.runs:
        assert run | {"seconds": 0} == whole[run["name"]] | {"seconds": 0}
    assert reproduce(drawn_set, tmp_path, "--draw-only") == 0
    assert "6 of 8 runs are still to do" in capsys.readouterr().out


def test_another_image_set_in_the_same_folder_is_an_error_in_words(drawn_set, reproduced, capsys):
    folder = reproduced / "work" / "paper-cnn-1-2-iterations-seed-0"
    values = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(values | {"plan": values["plan"] | {"data": "x"}}))
    assert reproduce(drawn_set, reproduced) == 1
    assert "another data" in capsys.readouterr().err
    (folder / "result.json").write_text(json.dumps(values))
