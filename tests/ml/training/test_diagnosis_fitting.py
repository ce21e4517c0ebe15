import numpy as np
import pytest

from ml.datasets.sources import HoldOut, SourcedImage
from ml.serving.diagnoses import DiagnosisError, share_within
from ml.training.diagnosis_fitting import allow_diagnoses, fit_diagnoses, fit_left_out_diagnoses
from ml.training.left_out_sources import Judged, read_left_out, write_left_out

CLASSES = ("nv", "mel", "bcc", "akiec", "bkl", "df", "vasc")
COLUMNS = (1, 2, 3)


def draw(count=6000, seed=0, temperatures=(2.0, 0.5)):
    """Overconfident malignant and timid benign shares, and diagnoses drawn by what they should be."""
    generator = np.random.default_rng(seed)
    malignant = generator.random(count) < 0.5
    raw = np.zeros((count, 7))
    truth = np.zeros(count, dtype=int)
    for group, columns, temperature in (
        (malignant, [1, 2, 3], temperatures[0]),
        (~malignant, [0, 4, 5, 6], temperatures[1]),
    ):
        shares = generator.dirichlet(np.ones(len(columns)), int(group.sum()))
        honest = share_within(shares, temperature)
        drawn = (honest.cumsum(axis=1) > generator.random((len(honest), 1))).argmax(axis=1)
        truth[group] = np.array(columns)[drawn]
        raw[np.ix_(group, columns)] = shares * 0.9
    other = np.where(raw.sum(axis=1, keepdims=True) > 0, raw == 0, False)
    raw += other * (0.1 / other.sum(axis=1, keepdims=True))
    return raw, truth


def test_the_temperatures_that_made_the_diagnoses_are_found():
    raw, truth = draw()
    fitted = fit_diagnoses(raw, np.eye(7, dtype=bool)[truth], COLUMNS)
    assert fitted.malignant_temperature == pytest.approx(2.0, abs=0.2)
    assert fitted.benign_temperature == pytest.approx(0.5, abs=0.05)


def test_partial_labels_tell_what_they_can_and_too_few_tell_nothing():
    raw, truth = draw()
    names = [[CLASSES[place]] for place in truth]
    # Of each third image it is only known that it is one of two, of another third that it is malignant or nothing.
    for row in range(0, len(names), 3):
        names[row] = {"mel": ["mel", "bcc"], "nv": ["nv", "df"]}.get(CLASSES[truth[row]], names[row])
    for row in range(1, len(names), 3):
        names[row] = ["mel", "bcc", "akiec"] if truth[row] in COLUMNS else []
    fitted = fit_diagnoses(raw, allow_diagnoses(names, CLASSES), COLUMNS)
    assert fitted.malignant_temperature == pytest.approx(2.0, abs=0.3)
    assert fitted.benign_temperature == pytest.approx(0.5, abs=0.1)
    few = fit_diagnoses(raw[:10], allow_diagnoses(names[:10], CLASSES), COLUMNS)
    assert (few.malignant_temperature, few.benign_temperature) == (1.0, 1.0)


def test_the_table_of_left_out_sources_is_read_as_it_is_written(tmp_path):
    raw, truth = draw()
    images = [
        SourcedImage(
            "x", f"{n}.jpg", "", int(place in COLUMNS), CLASSES[place] if n % 4 else "", "msk", "g", "cropped"
        )
        for n, place in enumerate(truth)
    ]
    everything = np.ones(len(truth), dtype=bool)
    judged = Judged(
        HoldOut("msk", everything, everything), {1.0: raw[:, COLUMNS].sum(axis=1)}, 1.0, diagnoses=raw
    )
    write_left_out(tmp_path, "drawn", {}, images, [judged], mix=1.0)
    assert read_left_out(tmp_path / "drawn.csv").p.size == len(truth)
    fitted = fit_left_out_diagnoses(tmp_path / "drawn.csv", [CLASSES[place] for place in COLUMNS])
    told = np.arange(len(truth)) % 4 > 0
    whole = fit_diagnoses(raw[told], np.eye(7, dtype=bool)[truth[told]], COLUMNS)
    assert fitted.malignant_temperature == pytest.approx(whole.malignant_temperature, abs=1e-3)
    assert fitted.benign_temperature == pytest.approx(whole.benign_temperature, abs=1e-3)
    (tmp_path / "plain.csv").write_text("path,label,hold_out,probability\na,0,msk,0.5\n")
    with pytest.raises(DiagnosisError, match="received none"):
        fit_left_out_diagnoses(tmp_path / "plain.csv", ["mel"])


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(DiagnosisError, match="may show"):
        fit_diagnoses(np.full((3, 7), 1 / 7), np.ones((3, 6), dtype=bool), COLUMNS)
    with pytest.raises(DiagnosisError, match="at least one diagnosis"):
        fit_diagnoses(np.full((1, 7), 1 / 7), np.zeros((1, 7), dtype=bool), COLUMNS)
