import math

import numpy as np
import pytest
from PIL import Image

from ml.datasets.image_sets import SETS
from ml.datasets.records import DataError
from ml.evaluation.skin_tone import convert_to_lab, find_otsu_cut, measure_ita, name_skin_tone
from ml.imaging.inputs import build_input
from tests.ml.drawing import SKIN, draw_lesion


def test_known_colours_in_lab():
    # CIE 15:2004 conversions of sRGB under D65, as tabulated for the sRGB primaries.
    red, grey = convert_to_lab(np.array([[255, 0, 0], [119, 119, 119]], dtype=np.uint8))
    assert red == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert grey == pytest.approx([50.03, 0, 0], abs=0.02)


def test_the_lesion_and_the_black_frame_do_not_count():
    lightness, _, yellow = convert_to_lab(SKIN.astype(np.uint8))
    expected = math.degrees(math.atan2(lightness - 50, yellow))
    image = draw_lesion(1, malignant=True)
    image[:, :30] = 0
    assert measure_ita(image) == pytest.approx(expected, abs=3)


def test_darker_skin_has_the_smaller_angle():
    tones = [
        np.full((40, 40, 3), colour, dtype=np.uint8)
        for colour in ((240, 205, 185), (150, 105, 80), (75, 50, 40))
    ]
    everywhere = np.ones((40, 40), dtype=bool)
    angles = [measure_ita(tone, everywhere) for tone in tones]
    assert angles == sorted(angles, reverse=True)
    assert [name_skin_tone(angle) for angle in angles] == ["very light", "brown", "dark"]


def test_without_skin_there_is_no_angle():
    assert measure_ita(np.zeros((20, 20, 3), dtype=np.uint8)) is None
    with pytest.raises(ValueError, match="height, width, 3"):
        measure_ita(np.zeros((20, 20), dtype=np.uint8))


def test_otsu_parts_two_groups():
    assert 10 < find_otsu_cut(np.r_[np.full(50, 10.0), np.full(70, 30.0)]) <= 30


def test_the_angle_agrees_with_expert_masks(real_set):
    del real_set
    chosen = SETS["isic2017-segmentation"]
    try:
        images = chosen.read_images()[::8]
    except DataError as error:
        pytest.skip(str(error))
    pairs = []
    for image in images:
        path = chosen.find_root() / image.path
        mask = path.parents[2] / "masks" / path.parent.name / f"{path.stem}_segmentation.png"
        lesion = np.asarray(Image.open(mask).resize((224, 224))) > 127
        pixels = build_input(path.read_bytes(), (224, 224))
        pairs.append((measure_ita(pixels), measure_ita(pixels, ~lesion)))
    ours, experts = np.array(pairs).T
    assert np.corrcoef(ours, experts)[0, 1] > 0.9
    assert np.median(np.abs(ours - experts)) < 3
