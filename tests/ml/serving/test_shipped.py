"""The network in the repository: what it is, what it answers, what it was measured to do."""

import numpy as np
import pytest

from ml.digests import digest_file
from ml.evaluation.metrics import measure_all
from ml.evaluation.scoring import find_images, score_images
from ml.serving.calibration import Calibration
from ml.serving.policy import DecisionPolicy
from ml.training.architectures import PAPER_CNN_2_PARAMETERS
from tests.ml.conftest import WEIGHTS
from tests.ml.drawing import draw_lesion

# Raw P(malignant) of drawn lesions; another processor may differ in the sixth decimal.
GOLDEN = {
    (0, False): 0.869616,
    (0, True): 0.927926,
    (1, False): 0.887468,
    (2, True): 0.926671,
    (3, True): 0.948783,
}
# Without a lesion: one colour all over. And one soft spot, called benign.
GOLDEN_FLAT = {(222, 178, 152): 0.974181, (235, 190, 185): 0.651862, (255, 255, 255): 0.778007}
GOLDEN_SPOT = 0.117382


def test_the_specification_describes_the_file_beside_it(shipped_specification):
    assert shipped_specification.file == "paper-cnn-2.h5"
    assert digest_file(WEIGHTS / shipped_specification.file) == shipped_specification.sha256
    assert shipped_specification.parameters == PAPER_CNN_2_PARAMETERS
    assert shipped_specification.input_size == (224, 224)
    assert "non-commercial" in shipped_specification.licence


def test_the_specification_reports_test_images_apart_from_clean_ones(shipped_specification):
    metrics = shipped_specification.metrics
    counts = {name: metrics[name]["images"] for name in ("test", "test_clean")}
    assert counts == {"test": 660, "test_clean": 602}
    assert metrics["train"]["images"] + metrics["validation"]["images"] == 2637
    assert metrics["validation"]["sensitivity"]["value"] >= 0.95
    assert metrics["validation"]["malignant_called_benign"]["value"] <= 0.05


@pytest.mark.parametrize(("seed", "malignant"), GOLDEN)
def test_golden_outputs(shipped_predictor, seed, malignant):
    image = draw_lesion(seed, malignant=malignant)
    assert shipped_predictor.predict([image])[0] == pytest.approx(GOLDEN[seed, malignant], abs=1e-4)


@pytest.mark.parametrize("colour", GOLDEN_FLAT)
def test_golden_outputs_of_one_colour(shipped_predictor, colour):
    image = np.full((224, 224, 3), colour, dtype=np.uint8)
    assert shipped_predictor.predict([image])[0] == pytest.approx(GOLDEN_FLAT[colour], abs=1e-4)


def test_golden_output_of_a_soft_spot(shipped_predictor):
    rows, columns = np.mgrid[0:224, 0:224] / 224 - 0.5
    share = np.clip((0.18 - np.sqrt(rows**2 + columns**2)) / 0.06 + 0.5, 0, 1)[..., None]
    image = (np.array((220, 130, 200)) * (1 - share) + np.array((130, 70, 90)) * share).astype(np.uint8)
    assert shipped_predictor.predict([image])[0] == pytest.approx(GOLDEN_SPOT, abs=1e-4)


def test_single_equals_batch(shipped_predictor):
    images = [draw_lesion(seed, malignant=bool(seed % 2)) for seed in range(9)]
    together = shipped_predictor.predict(images)
    alone = [shipped_predictor.predict([image])[0] for image in images]
    np.testing.assert_allclose(together, alone, atol=1e-5, rtol=0)


def test_the_report_is_reproduced_on_the_real_test_images(real_set, shipped_predictor):
    specification = shipped_predictor.specification
    rows = list(score_images(shipped_predictor, real_set / "test", find_images(real_set / "test")))
    labels = [row.label == "malignant" for row in rows]
    raw = np.array([row.probability for row in rows])
    calibrated = Calibration.from_dict(specification.calibration).apply(raw)
    policy = DecisionPolicy.from_dict(specification.policy)
    figures = measure_all(calibrated, labels, policy, rounds=20)
    for name in ("accuracy", "auc", "sensitivity", "specificity", "coverage", "malignant_called_benign"):
        reported = specification.metrics["test"][name]["value"]
        assert figures[name]["value"] == pytest.approx(reported, abs=0.002)
