import numpy as np
import pytest

from ml.datasets.records import DataError, load_pixels, read_labels, read_records, split_validation
from ml.training.augmentation import AUGMENTATIONS, augment_image
from ml.training.checkpoints import CheckpointError
from ml.training.data import load_training_data
from ml.training.run import LabelledPixels, TrainingPlan, score_pixels, train_network
from tests.ml.drawing import draw_lesion

PLAN = TrainingPlan(input_size=32, epochs=3, batch_size=8, augmentation="dihedral", seed=5)


@pytest.fixture(scope="module")
def parts(drawn_set):
    return [
        LabelledPixels(load_pixels(drawn_set, records, (32, 32)), read_labels(records))
        for records in split_validation(read_records(drawn_set), fraction=0.25)
    ]


@pytest.fixture(scope="module")
def uninterrupted(parts, tmp_path_factory):
    network, progress = train_network(PLAN, *parts, tmp_path_factory.mktemp("whole"))
    return network.get_weights(), progress


def assert_same(weights, others):
    assert all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def test_the_same_seed_gives_the_same_weights(parts, uninterrupted, tmp_path):
    network, progress = train_network(PLAN, *parts, tmp_path)
    assert_same(network.get_weights(), uninterrupted[0])
    assert progress.history == uninterrupted[1].history


def test_a_run_that_was_stopped_twice_ends_as_one_that_was_not(parts, uninterrupted, tmp_path):
    def interrupt_after(last):
        def interrupt(epoch):
            epochs.append(epoch)
            if epoch == last:
                raise KeyboardInterrupt

        return interrupt

    epochs = []
    for stop in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            train_network(PLAN, *parts, tmp_path, after_epoch=interrupt_after(stop))
    network, progress = train_network(PLAN, *parts, tmp_path, after_epoch=epochs.append)
    assert epochs == list(range(1, PLAN.epochs + 1))
    assert_same(network.get_weights(), uninterrupted[0])
    assert progress.history == uninterrupted[1].history


def test_a_finished_run_is_not_trained_again(parts, uninterrupted, tmp_path):
    train_network(PLAN, *parts, tmp_path)
    epochs = []
    network, _ = train_network(PLAN, *parts, tmp_path, after_epoch=epochs.append)
    assert epochs == []
    assert_same(network.get_weights(), uninterrupted[0])


def test_another_seed_gives_other_weights(parts, uninterrupted, tmp_path):
    plan = TrainingPlan(**PLAN.to_dict() | {"seed": 6, "epochs": 1})
    network, _ = train_network(plan, *parts, tmp_path)
    assert not np.array_equal(network.get_weights()[0], uninterrupted[0][0])


def test_the_weights_kept_are_those_of_the_best_epoch(uninterrupted):
    weights, progress = uninterrupted
    losses = [row["validation_loss"] for row in progress.history]
    assert progress.best_epoch == 1 + losses.index(min(losses))
    assert_same(weights, progress.best_weights)


def test_the_loss_of_an_epoch_is_the_mean_over_its_images(parts, tmp_path):
    plan = TrainingPlan(
        architecture="paper-cnn-1", input_size=32, epochs=1, batch_size=7, learning_rate=1e-9, keep_best=False
    )
    network, progress = train_network(plan, parts[0], None, tmp_path)
    p = np.clip(score_pixels(network, plan, parts[0].pixels), 1e-7, 1 - 1e-7)
    y = parts[0].labels
    expected = float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p)))
    assert progress.history[0]["loss"] == pytest.approx(expected, abs=1e-4)


def test_the_checkpoint_of_another_plan_is_refused(parts, tmp_path):
    train_network(TrainingPlan(**PLAN.to_dict() | {"epochs": 1}), *parts, tmp_path)
    with pytest.raises(CheckpointError, match=r"another epochs\. Choose another folder"):
        train_network(PLAN, *parts, tmp_path)


def test_augmentation_moves_pixels_and_makes_none_up():
    images = np.stack([draw_lesion(seed, malignant=False, size=16) for seed in range(12)])
    for kind in AUGMENTATIONS:
        generator = np.random.default_rng(0)
        changed = np.stack([augment_image(image, kind, generator) for image in images])
        assert np.array_equal(changed, images) == (kind == "none")
        if kind == "dermoscopy":
            continue
        for before, after in zip(images, changed, strict=True):
            assert sorted(before.reshape(-1, 3).tolist()) == sorted(after.reshape(-1, 3).tolist())


def test_an_unknown_augmentation_names_the_known_ones():
    with pytest.raises(ValueError, match="none, flips, dihedral, dermoscopy, received 'blur'"):
        augment_image(np.zeros((4, 4, 3), np.uint8), "blur", np.random.default_rng(0))


BOTH = ("fanconi-isic", "ham10000-extra-train")


def test_paper_comes_first(drawn_data):
    data = load_training_data(BOTH, 32)
    assert data.pixels.shape == (32 + 12, 32, 32, 3)
    assert data.is_of("fanconi-isic")[:32].all()
    assert not data.is_of("fanconi-isic")[32:].any()


def test_diagnoses_left_out(drawn_data):
    found = load_training_data(BOTH, 32, left_out=("nv", "bcc")).records[32:]
    assert {record.diagnosis for record in found} == {"bkl", "akiec"}
    assert len(found) == 6


@pytest.mark.parametrize(
    ("data_sets", "left_out", "told"),
    [
        (BOTH, ("mel",), "received mel with"),
        (BOTH[:1], ("nv",), "received nv with fanconi-isic"),
        (("isic2017",), (), "received ['isic2017']"),
        ((), (), "received none"),
    ],
)
def test_what_can_not_be_had(drawn_data, data_sets, left_out, told):
    with pytest.raises(DataError) as refusal:
        load_training_data(data_sets, 32, left_out=left_out)
    assert told in str(refusal.value)
