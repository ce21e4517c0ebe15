"""The maps' own checks: they fall apart with the weights, and what they mark matters."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.__main__ import main
from ml.explanation.faithfulness import (
    MARKED_SHARE,
    Deletion,
    check_deletion,
    correlate_maps,
    find_marked,
    redraw_weights,
)
from ml.explanation.heatmap import LONGER_SIDE, blend_heatmap, draw_heatmap
from ml.explanation.hirescam import EvidenceMap, explain_images
from ml.imaging.inputs import build_input
from ml.serving.prediction import PredictionError, Predictor
from ml.serving.specification import ModelSpecification
from tests.ml.conftest import WEIGHTS
from tests.ml.drawing import draw_lesion, save_lesion
from tests.ml.explanation.explained import KINDS, draw_inputs

LARGEST_AGREEMENT = 0.3
LEAST_GAP = 0.5
NETWORKS = sorted(path.stem for path in WEIGHTS.glob("*.h5") if path.with_suffix(".json").is_file())


@pytest.fixture(scope="module")
def load():
    loaded = {}

    def find(name):
        if name not in loaded:
            specification = ModelSpecification.load(WEIGHTS / f"{name}.json")
            loaded[name] = Predictor(specification, WEIGHTS / specification.file)
        return loaded[name]

    return find


@pytest.fixture(scope="module")
def explained(real_set, load):
    """Every 300th training photograph with its map, by network; the test images are not looked at."""
    paths = sorted(real_set.glob("train/*/*.jpg"))[::300]
    found = {}

    def find(name):
        if name not in found:
            predictor = load(name)
            images = [build_input(path.read_bytes(), predictor.specification.input_size) for path in paths]
            found[name] = (images, [predictor.explain(image) for image in images])
        return found[name]

    return find


def mean_agreement(predictor, images, maps=None):
    """How far the maps agree with those of a network of other weights, as `explain_redrawn` draws it: once for all."""
    redrawn = redraw_weights(predictor._network, 0)
    maps = maps or [predictor.explain(image) for image in images]
    others = [predictor._explain_by(redrawn, image) for image in images]
    return np.mean([abs(correlate_maps(*pair)) for pair in zip(maps, others, strict=True)])


def mean_steadiness(predictor, images, maps):
    """How far maps of the same weights agree when the photograph is only compressed again."""
    again = [predictor.explain(compress(image)) for image in images]
    return np.mean([correlate_maps(*pair) for pair in zip(maps, again, strict=True)])


def compress(image):
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


@pytest.mark.parametrize("name", NETWORKS)
class TestRealPhotographs:
    def test_maps_depend_on_the_weights(self, load, name, explained):
        """Random filters too follow a lesion's outline: what counts is how far beneath a steady map that stays."""
        predictor = load(name)
        images, maps = (found[:6] for found in explained(name))
        steadiness = mean_steadiness(predictor, images, maps)
        assert mean_agreement(predictor, images, maps) < steadiness - LEAST_GAP

    def test_hiding_what_is_marked_matters_more_than_hiding_as_much_elsewhere(self, load, name, explained):
        predict = load(name).predict
        checks = [check_deletion(predict, *pair) for pair in zip(*explained(name), strict=True)]
        assert np.mean([check.is_passed for check in checks]) >= 0.75


def test_maps_of_the_shipped_network_depend_on_its_weights(shipped_predictor):
    images = [draw_lesion(seed, malignant=bool(seed % 2)) for seed in range(3)]
    assert mean_agreement(shipped_predictor, images) < LARGEST_AGREEMENT


def test_explaining_leaves_the_shipped_network_as_it_was(shipped_predictor):
    images = [draw_lesion(seed, malignant=bool(seed % 2)) for seed in range(4)]
    before = shipped_predictor.predict(images).tobytes()
    weights = [weight.tobytes() for weight in shipped_predictor._network.get_weights()]
    explanation = shipped_predictor.explain(images[1])
    shipped_predictor.explain_redrawn(images[1], seed=3)
    assert [weight.tobytes() for weight in shipped_predictor._network.get_weights()] == weights
    assert shipped_predictor.predict(images).tobytes() == before
    assert 1 / (1 + np.exp(-explanation.logit)) == pytest.approx(
        shipped_predictor.predict(images)[1], abs=1e-5
    )
    assert explanation.malignant.shape == (224, 224)


def test_explains_the_figure_averaged_over_views(shipped_specification):
    specification = replace(shipped_specification, views=("identity", "flip_left_right", "rotate_90"))
    predictor = Predictor(specification, WEIGHTS / specification.file)
    image = draw_lesion(1, malignant=True)
    found = predictor.explain(image)
    assert 1 / (1 + np.exp(-found.logit)) == pytest.approx(predictor.predict([image])[0], abs=1e-5)
    alone = Predictor(shipped_specification, WEIGHTS / specification.file).explain(image)
    assert not np.allclose(found.cells, alone.cells)
    assert found.cells.flags.c_contiguous


def test_images_of_another_shape_are_refused(shipped_predictor):
    with pytest.raises(PredictionError, match="Expected images uint8"):
        shipped_predictor.explain(np.zeros((32, 32, 3), np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_redrawn_networks_are_others_of_the_same_shape(kind):
    network = KINDS[kind]()
    one, again, other = (redraw_weights(network, seed) for seed in (1, 1, 2))
    inputs = draw_inputs(1)
    maps = [explain_images(item, inputs)[0].cells for item in (network, one, again, other)]
    assert {item.shape for item in maps} == {maps[0].shape}
    np.testing.assert_array_equal(maps[1], maps[2])
    assert not np.array_equal(maps[1], maps[3])
    assert not np.array_equal(maps[0], maps[1])


def explain(cells, logit):
    return EvidenceMap(np.array(cells, dtype=np.float32), logit, "last", (10, 10))


class TestMarked:
    CELLS = np.arange(100, dtype=np.float32).reshape(10, 10) - 50

    def test_fifth_that_speaks_for_the_answer(self):
        for logit, rows in ((1.0, slice(8, 10)), (-1.0, slice(0, 2))):
            marked = find_marked(explain(self.CELLS, logit), (10, 10))
            assert marked.mean() == pytest.approx(MARKED_SHARE, abs=0.01)
            assert marked[rows].mean() > 0.9

    @pytest.mark.parametrize("rest", [-1.0, 0.5])
    def test_fewer_where_less_speaks_for_it(self, rest):
        cells = np.full((10, 10), rest, dtype=np.float32)
        cells[0, 0] = 5
        assert find_marked(explain(cells, 1.0), (10, 10)).sum() == 1

    def test_none_of_a_flat_map(self):
        assert not find_marked(explain(np.zeros((10, 10)), 1.0), (10, 10)).any()


def test_deletion_tells_a_true_map_from_a_false_one():
    """A judge that only looks at the top left corner."""

    def judge(images):
        return np.array([0.9 if image[0, 0, 0] > 200 else 0.2 for image in images])

    image = np.zeros((10, 10, 3), np.uint8)
    image[0, 0] = 255
    true, false = np.zeros((10, 10), np.float32), np.zeros((10, 10), np.float32)
    true[0, 0] = false[7, 7] = 1
    found = check_deletion(judge, image, explain(true, 1.0))
    assert (found, found.is_passed) == (Deletion(0.9, 0.2, 0.9), True)
    assert not check_deletion(judge, image, explain(false, 1.0)).is_passed


@pytest.mark.parametrize(
    ("values", "is_passed"), [((0.2, 0.4, 0.2), True), ((0.2, 0.1, 0.2), False), ((0.9, 0.9, 0.9), False)]
)
def test_a_map_passes_when_the_answer_weakens_more_than_elsewhere(values, is_passed):
    assert Deletion(*values).is_passed is is_passed


def test_correlation_of_maps():
    one = explain([[1, 2], [3, 4]], 1.0)
    assert correlate_maps(one, explain([[-10, -20], [-30, -40]], 1.0)) == pytest.approx(1)
    assert correlate_maps(one, explain([[4, 3], [2, 1]], 1.0)) == pytest.approx(-1)
    assert correlate_maps(one, explain([[5, 5], [5, 5]], 1.0)) == 0


class TestHeatmap:
    def read(self, cells, size=(300, 150)):
        data = draw_heatmap(explain(cells, 1.0), size)
        return data, np.asarray(Image.open(BytesIO(data)))

    def test_has_the_pictures_proportions_and_nothing_but_pixels(self):
        data, pixels = self.read([[1, -1], [0, 0]])
        assert pixels.shape == (LONGER_SIDE // 2, LONGER_SIDE, 4)
        assert Image.open(BytesIO(data)).info == {}

    def test_signs_have_their_colours_and_nothing_is_transparent(self):
        _, pixels = self.read(np.diag([1.0, 0, 0, 0, 0, 0, 0, -1.0]))
        for_it, against = pixels[40, 60].astype(int), pixels[-5, -5].astype(int)
        assert for_it[0] > for_it[2]
        assert against[2] > against[0]
        assert against[3] > 100
        assert pixels[160, 600, 3] == 0

    def test_flat_map_is_empty(self):
        assert not self.read(np.zeros((4, 4)))[1][..., 3].any()

    def test_marked_part_has_a_line_round_it(self):
        _, pixels = self.read(np.diag([1.0, 0, 0, 0, 0, 0, 0, 0]))
        colours = {tuple(colour) for colour in pixels.reshape(-1, 4)}
        assert {(255, 255, 255, 255), (12, 14, 17, 255)} <= colours

    def test_over_a_picture(self):
        picture = Image.new("RGB", (300, 150), (200, 150, 120))
        data, _ = self.read([[1, 0], [0, 0]])
        blended = blend_heatmap(picture, data)
        assert (blended.mode, blended.size) == ("RGB", (LONGER_SIDE, LONGER_SIDE // 2))
        assert blended.getpixel((5, 5)) != (200, 150, 120)
        assert blended.getpixel((635, 315)) == (200, 150, 120)


def test_command_writes_a_picture_and_says_what_it_is_worth(tmp_path: Path, capsys):
    save_lesion(tmp_path / "lesion.png", 3, malignant=True, size=120)
    arguments = ["explain", str(tmp_path / "lesion.png"), "--model", str(WEIGHTS / "paper-cnn-2.h5")]
    assert main([*arguments, "--output", str(tmp_path / "out" / "map.png"), "--redrawn", "2"]) == 0
    said = capsys.readouterr().out
    assert "HiResCAM of pool_3, 26×26 places" in said
    assert re.search(r"with the marked (1?\d|20)% of the picture hidden", said)
    assert "Rank correlation with maps of redrawn weights" in said
    assert "not where the disease is" in said
    assert Image.open(tmp_path / "out" / "map.png").size == (LONGER_SIDE, LONGER_SIDE)
