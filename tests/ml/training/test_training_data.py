import pytest

from ml.datasets.records import DataError
from ml.training.data import load_training_data

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
