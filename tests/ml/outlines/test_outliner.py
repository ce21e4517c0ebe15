"""Networks that outline: built, trained with a stop, scanned, registered, and the shipped one's own answers."""

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from classifier.demo.lesions import draw_lesion as draw_demo_lesion
from ml.digests import digest_file
from ml.network_files.errors import UnsafeModelError
from ml.outlines.outliner import (
    NoLesionError,
    OutlineDeclaration,
    Outliner,
    check_mask_shape,
    mark_drawn,
    outline_file,
    prepare_outliner,
)
from ml.outlines.specification import OutlineSpecification, OutlineSpecificationError
from ml.training.architectures import ArchitectureError
from ml.training.outline_networks import build_fcn8s
from ml.training.outlines import OutlinePlan, Start, build_trainee, change_pair, find_rate, train_outliner
from ml.training.plans import PlanError
from ml.training.release import save_network
from tests.ml.conftest import WEIGHTS
from tests.ml.outlines.test_shape import ellipse

FOLDER = WEIGHTS / "outlines"
SIDE = 64
DECLARED = OutlineDeclaration("raw", name="small", version="2")


@pytest.fixture(scope="module")
def trainee():
    return build_trainee(OutlinePlan("fcn-8s", side=SIDE, epochs=2, batch_size=4), None)


@pytest.fixture(scope="module")
def file(trainee, tmp_path_factory):
    path = tmp_path_factory.mktemp("outliner") / "small.h5"
    save_network(trainee, path)
    return path


@pytest.fixture(scope="module")
def pictures():
    masks = np.stack([ellipse(10 + n, 20, size=(SIDE, SIDE)) for n in range(8)])
    pixels = np.where(masks[..., None], (90, 60, 50), (222, 178, 152)).astype(np.uint8)
    return pixels, masks.astype(np.float32)


@pytest.fixture(scope="module")
def shipped():
    specification = OutlineSpecification.load(FOLDER / "unet.json")
    return Outliner(specification, FOLDER / specification.file)


class TestTraining:
    def test_stopped_and_begun_again_it_ends_as_one_that_was_not(self, trainee, pictures, tmp_path):
        plan = OutlinePlan("fcn-8s", side=SIDE, epochs=2, batch_size=4)
        start = Start(trainee)
        whole = train_outliner(plan, trainee, *pictures, tmp_path / "whole")
        weights = trainee.get_weights()

        class StopError(Exception):
            pass

        def stop(epoch, loss):
            raise StopError

        start.restore()
        with pytest.raises(StopError):
            train_outliner(plan, trainee, *pictures, tmp_path / "stopped", after_epoch=stop)
        start.restore()
        again = train_outliner(plan, trainee, *pictures, tmp_path / "stopped")
        start.restore()
        assert [row["epoch"] for row in again.history] == [1, 2]
        assert again.history[1]["loss"] == pytest.approx(whole.history[1]["loss"], abs=1e-4)
        assert len(weights) == len(trainee.get_weights())

    def test_picture_and_mask_are_changed_alike(self, pictures):
        picture, mask = change_pair(pictures[0][3], pictures[1][3], np.random.default_rng(4))
        dark = picture.mean(axis=-1) < 120
        overlap = (dark & (mask > 0.5)).sum() / (dark | (mask > 0.5)).sum()
        assert overlap > 0.85

    def test_the_rate_rises_over_an_epoch_and_falls_to_nothing(self):
        rates = [find_rate(done, 10) for done in (0, 0.1, 0.5, 1)]
        assert rates[0] == pytest.approx(0.1)
        assert rates[1] == pytest.approx(1)
        assert 0 < rates[2] < 1
        assert rates[3] == pytest.approx(0)

    def test_impossible_plans_are_refused(self):
        with pytest.raises(PlanError, match="unet, fcn-8s, received 'segnet'"):
            OutlinePlan("segnet")
        with pytest.raises(PlanError, match="at least 1 epoch"):
            OutlinePlan("unet", epochs=0)
        with pytest.raises(ArchitectureError, match="received 100"):
            build_fcn8s(100, None)


class TestRegistration:
    def test_a_harmless_file_registers_and_runs(self, file):
        prepared = prepare_outliner(file, DECLARED)
        assert prepared.specification.sha256 == digest_file(file)
        assert prepared.specification.input_size == (SIDE, SIDE)
        assert OutlineSpecification.from_dict(prepared.specification.to_dict()) == prepared.specification
        found = Outliner(prepared.specification, file).find_probabilities(
            np.zeros((2, SIDE, SIDE, 3), np.uint8)
        )
        assert found.shape == (2, SIDE, SIDE)
        assert ((found >= 0) & (found <= 1)).all()

    def test_an_exchanged_file_is_not_loaded(self, file):
        specification = prepare_outliner(file, DECLARED).specification
        other = OutlineSpecification.from_dict({**specification.to_dict(), "sha256": "0" * 64})
        with pytest.raises(UnsafeModelError) as caught:
            Outliner(other, file)
        assert caught.value.code == "sha256_mismatch"

    def test_a_network_that_gives_a_verdict_is_no_outline(self):
        with pytest.raises(UnsafeModelError) as caught:
            prepare_outliner(WEIGHTS / "paper-cnn-2.h5", DECLARED)
        assert caught.value.code == "output_not_outline"
        assert "without --kind outline" in caught.value.message

    @pytest.mark.parametrize("outputs", [(64, 64, 2), (8, 8, 1), (1,)])
    def test_other_outputs_are_no_mask(self, outputs):
        with pytest.raises(UnsafeModelError, match="one probability a pixel"):
            check_mask_shape(outputs)

    @pytest.mark.parametrize(
        "change",
        [{"scaling": "grey"}, {"kind": "verdict"}, {"file": "../a.h5"}, {"sha256": "x"}, {"more": 1}],
    )
    def test_impossible_specifications_are_refused(self, change):
        good = json.loads((FOLDER / "unet.json").read_text("utf-8"))
        with pytest.raises(OutlineSpecificationError, match="expected"):
            OutlineSpecification.from_dict({**good, **change})


class TestShipped:
    def test_it_is_small_and_its_card_names_it(self, shipped):
        specification = shipped.specification
        assert (FOLDER / specification.file).stat().st_size <= 3 * 10**6
        assert digest_file(FOLDER / specification.file) == specification.sha256
        assert specification.sha256 in (FOLDER / "unet.md").read_text("utf-8")
        assert specification.metrics["milliseconds"] <= 40

    def test_golden_outputs(self, shipped):
        expected = shipped.specification.training["references"]["drawn"]
        assert mark_drawn(shipped) == pytest.approx(expected, abs=2e-3)

    @pytest.mark.parametrize("kind", ["naevus", "melanoma"])
    def test_a_drawn_lesion_is_outlined_where_it_lies(self, shipped, kind):
        found = outline_file(shipped, draw_demo_lesion(100, kind=kind))
        assert 0.02 < found.measures.area < 0.6
        assert found.mask[found.mask.shape[0] // 2, found.mask.shape[1] // 2]
        assert found.measures.diameter_mm is None
        points = np.array(found.list_points())
        assert points.min() >= 0
        assert points.max() <= 10_000
        mask = Image.open(BytesIO(found.encode_mask()))
        assert np.array_equal(np.asarray(mask), found.mask)

    def test_bare_skin_has_nothing_to_outline(self, shipped):
        with pytest.raises(NoLesionError):
            shipped.outline(Image.new("RGB", (400, 300), (222, 178, 152)))

    def test_millimetres_follow_the_scale(self, shipped):
        picture = Image.fromarray(
            np.where(ellipse(120, 90, size=(512, 384))[..., None], (90, 60, 50), (222, 178, 152)).astype(
                np.uint8
            )
        )
        found = shipped.outline(picture, millimetres=0.05).measures
        assert found.diameter_mm == pytest.approx(found.diameter * 512 * 0.05, rel=0.01)
        assert found.area_mm2 == pytest.approx(found.area * 512 * 384 * 0.05**2, rel=0.01)
