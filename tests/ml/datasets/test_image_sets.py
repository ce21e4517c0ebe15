import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.datasets.records import (
    DataError,
    ImageRecord,
    find_data_root,
    group_paths,
    load_pixels,
    read_labels,
    read_records,
    split_validation,
)
from tests.ml.drawing import draw_image_set, draw_lesion, write_table


def test_lesions_are_grouped_through_other_splits(drawn_set):
    groups = {record.path: record.group for record in read_records(drawn_set)}
    assert len({groups[f"train/benign/{n}.png"] for n in (0, 1, 2)}) == 1
    # Two train images are the same lesion because both are the test image's.
    assert groups["train/malignant/3.png"] == groups["train/malignant/4.png"]
    assert groups["train/malignant/5.png"] == "train/malignant/5.png"


def test_records_carry_split_label_and_cleanness(drawn_set):
    records = {record.path: record for record in read_records(drawn_set)}
    assert records["test/malignant/0.png"].clean is False
    assert records["test/malignant/1.png"].clean is True
    assert records["train/malignant/1.png"].label == 1
    assert records["train/benign/1.png"].split == "train"


@st.composite
def record_lists(draw):
    groups = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1)), min_size=30, max_size=60))
    return [
        ImageRecord(f"{group}-{number}", "train", label, "", str(group), clean=True)
        for group, (size, label) in enumerate([*groups, (1, 0), (1, 0), (1, 1), (1, 1)])
        for number in range(size)
    ]


@given(record_lists(), st.integers(0, 5), st.randoms())
def test_a_lesion_never_straddles_training_and_validation(records, seed, random):
    try:
        train, validation = split_validation(records, fraction=0.2, seed=seed)
    except DataError:
        return  # too few groups of a class for both sides
    assert not {r.group for r in train} & {r.group for r in validation}
    assert sorted(r.path for r in [*train, *validation]) == sorted(r.path for r in records)
    shuffled = random.sample(records, len(records))
    assert split_validation(shuffled, fraction=0.2, seed=seed) == (train, validation)
    for label in (0, 1):
        count = sum(r.label == label for r in validation)
        share = 0.2 * sum(r.label == label for r in records)
        assert share <= count < share + 4


def test_the_test_split_is_never_touched(drawn_set):
    train, validation = split_validation(read_records(drawn_set))
    assert {record.split for record in [*train, *validation]} == {"train"}


def test_a_class_missing_from_a_side_is_refused():
    records = [ImageRecord(str(n), "train", 0, "", str(n), clean=True) for n in range(20)]
    with pytest.raises(DataError, match="both classes"):
        split_validation(records)


def test_pixels_come_in_the_asked_order(drawn_set):
    records = read_records(drawn_set)[:3]
    pixels = load_pixels(drawn_set, records[::-1], (32, 32))
    assert pixels.shape == (3, 32, 32, 3)
    assert np.array_equal(pixels, load_pixels(drawn_set, records, (32, 32))[::-1])


def test_a_changed_file_is_refused(tmp_path):
    root = draw_image_set(tmp_path, train=5, test=1)
    record = read_records(root)[0]
    (root / record.path).write_bytes(b"other")
    with pytest.raises(DataError, match="expected SHA-256"):
        load_pixels(root, [record], (32, 32))
    (root / record.path).unlink()
    with pytest.raises(DataError, match="Expected the image"):
        load_pixels(root, [record], (32, 32))


def test_a_missing_set_says_which_variable_to_set(tmp_path, monkeypatch):
    monkeypatch.setenv("DERMAPORT_DATA", str(tmp_path))
    assert find_data_root("some") == tmp_path / "some"
    with pytest.raises(DataError, match="DERMAPORT_DATA"):
        read_records(find_data_root("some"))


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        (("path",), ("a",), "the column 'split'"),
        (
            ("path", "split", "label", "sha256", "test_image_has_train_duplicate"),
            ("a", "dev", "benign", "", "0"),
            "received 'dev'",
        ),
    ],
)
def test_malformed_tables_are_refused(tmp_path, header, row, sentence):
    write_table(tmp_path / "images.csv", header, [row])
    write_table(tmp_path / "near_duplicates.csv", ("path_a", "path_b"), [])
    with pytest.raises(DataError, match=sentence):
        read_records(tmp_path)


def test_a_pair_of_an_unknown_image_is_refused():
    with pytest.raises(DataError, match=r"paths of images\.csv"):
        group_paths(["a"], [("a", "b")])


def test_drawn_lesions_are_the_same_everywhere():
    image = draw_lesion(7, malignant=True, size=16)
    assert image[8, 8].tolist() == draw_lesion(7, malignant=True, size=16)[8, 8].tolist()
    assert image.dtype == np.uint8


def test_the_real_set_is_what_its_source_says(real_set):
    records = read_records(real_set)
    labels = read_labels(records)
    assert (len(records), int(labels.sum())) == (3297, 1497)
    test = [record for record in records if record.split == "test"]
    assert (len(test), sum(record.clean for record in test)) == (660, 602)
    train, validation = split_validation(records)
    assert len(train) + len(validation) == 2637
    assert not {r.group for r in train} & {r.group for r in validation}
    groups = {record.group for record in records if record.split == "test" and not record.clean}
    assert groups <= {record.group for record in records if record.split == "train"} | {
        record.group for record in test
    }
