from pathlib import Path

import pytest

from ml.datasets.records import find_data_root
from ml.serving.specification import ModelSpecification
from tests.ml.drawing import draw_extra_set, draw_image_set, draw_sourced_sets

WEIGHTS = Path(__file__).resolve().parents[2] / "ml" / "weights"


@pytest.fixture(scope="session")
def drawn_set(tmp_path_factory):
    return draw_image_set(tmp_path_factory.mktemp("drawn") / "fanconi-isic")


@pytest.fixture(scope="session")
def drawn_extra(drawn_set):
    return draw_extra_set(drawn_set.parent / "ham10000-extra-train")


@pytest.fixture(scope="session")
def sourced_sets(tmp_path_factory):
    """The data root of drawn sets whose tables tell each image's source."""
    return draw_sourced_sets(tmp_path_factory.mktemp("sourced"))


@pytest.fixture
def drawn_data(drawn_set, drawn_extra, monkeypatch):
    """Make the drawn sets the ones that commands find."""
    monkeypatch.setenv("DERMAPORT_DATA", str(drawn_set.parent))
    return drawn_set.parent


@pytest.fixture(scope="session")
def real_set():
    root = find_data_root()
    if not (root / "images.csv").is_file():
        pytest.skip(f"the image set {root.name} is not on this machine; set DERMAPORT_DATA")
    return root


@pytest.fixture(scope="session")
def shipped_specification():
    return ModelSpecification.load(WEIGHTS / "paper-cnn-2.json")


@pytest.fixture(scope="session")
def shipped_predictor(shipped_specification):
    from ml.serving.prediction import Predictor

    return Predictor(shipped_specification, WEIGHTS / shipped_specification.file)


@pytest.fixture
def specification_data():
    return {
        "name": "drawn",
        "version": "1.0.0",
        "file": "drawn.h5",
        "sha256": "0" * 64,
        "architecture": "paper-cnn-2",
        "parameters": 10,
        "input_height": 32,
        "input_width": 32,
        "scaling": "unit",
        "classes": ["benign", "malignant"],
        "calibration": {"method": "platt", "a": 1.5, "b": -0.25},
        "policy": {"version": "p1", "threshold": 0.3, "refer_low": 0.2, "refer_high": 0.6},
        "licence": "none",
        "views": ["identity"],
        "colour_order": "rgb",
        "malignant_classes": ["malignant"],
        "output": "probabilities",
        "metrics": {"test": {"accuracy": {"value": 0.8}}},
        "training": {"seed": 0},
    }
