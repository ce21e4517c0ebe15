import numpy as np
import pytest

from ml.evaluation.diagnoses import find_truths, measure_diagnoses
from ml.evaluation.metrics import MetricsError
from ml.evaluation.scoring import ScoredImage, write_predictions
from ml.evaluation.stored_predictions import format_table, read_rows, store_table
from tests.ml.research.stored import draw_rows, name_classes

CLASSES = ("nv", "mel", "bcc", "akiec", "df")


def test_figures_of_a_case_counted_by_hand():
    truths = find_truths(["nv", "nv", "nv", "mel", "mel", "bcc"], CLASSES)
    p = np.array(
        [
            [0.8, 0.1, 0.1, 0, 0],
            [0.6, 0.3, 0.1, 0, 0],
            [0.2, 0.7, 0.1, 0, 0],
            [0.3, 0.6, 0.1, 0, 0],
            [0.1, 0.4, 0.5, 0, 0],
            [0.1, 0.2, 0.7, 0, 0],
        ]
    )
    found = measure_diagnoses(p, truths, CLASSES, list("abcdef"), rounds=200)
    assert found.confusion[:3, :3].tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found.balanced_accuracy[0] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # One against the rest: nv 8 of 9 pairs, mel 6 of 8, bcc 5 of 5.
    assert found.macro_auc[0] == pytest.approx((8 / 9 + 6 / 8 + 1) / 3, abs=1e-9)
    assert found.unshown == ("akiec", "df")
    low, high = found.balanced_accuracy[1]
    assert 0 <= low < found.balanced_accuracy[0] < high <= 1


def test_whole_lesions_are_drawn_and_a_diagnosis_without_a_class_is_held_by_another():
    assert find_truths(["scc", "nv", "", "wart"], CLASSES).tolist() == [3, 0, -1, -1]
    truths = np.repeat([0, 1], 50)
    p = np.zeros((100, 5))
    p[np.arange(100), np.where(np.arange(100) % 50 < 25, truths, 1 - truths)] = 1
    each = measure_diagnoses(p, truths, CLASSES, [str(n) for n in range(100)], rounds=300)
    whole = measure_diagnoses(p, truths, CLASSES, [f"{n // 25}" for n in range(100)], rounds=300)
    assert np.ptp(whole.balanced_accuracy[1]) > 2 * np.ptp(each.balanced_accuracy[1])


@pytest.mark.parametrize(("truths", "lesions"), [([0, 0], ["a", "b"]), ([0, 9], ["a", "b"]), ([0, 1], ["a"])])
def test_what_cannot_be_measured_is_refused(truths, lesions):
    with pytest.raises(MetricsError, match="Expected"):
        measure_diagnoses(np.full((2, 5), 0.2), truths, CLASSES, lesions, rounds=1)


def test_class_probabilities_are_stored_beside_the_figure_and_read_again(tmp_path, specification_data):
    from ml.serving.policy import DecisionPolicy
    from ml.serving.specification import ModelSpecification

    told = {"classes": list(CLASSES), "malignant_classes": ["mel", "bcc", "akiec"]}
    specification = ModelSpecification.from_dict({**specification_data, **told})
    policy = DecisionPolicy.from_dict(specification.policy)
    rows = [name_classes(row, specification, n) for n, row in enumerate(draw_rows("x", policy, 6))]
    columns, cells = format_table(rows)
    assert columns[-5:] == ["p_nv", "p_mel", "p_bcc", "p_akiec", "p_df"]
    store_table(tmp_path, "x", columns, cells, network={"sha256": "0"}, manifest="m")
    for stored, drawn in zip(read_rows(tmp_path, "x"), rows, strict=True):
        assert dict(stored.scored.diagnoses) == pytest.approx(dict(drawn.scored.diagnoses), abs=1e-6)
    path = tmp_path / "rows.csv"
    rejected = ScoredImage("b", "0", "", None, None, "rejected", "truncated")
    write_predictions(path, [rejected, rows[0].scored])
    head, first, second = path.read_text().splitlines()
    assert head.endswith("error,p_nv,p_mel,p_bcc,p_akiec,p_df")
    assert first.endswith("truncated,,,,,")
    assert second.count(",") == head.count(",")
