import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.datasets.records import find_data_root
from ml.evaluation.gates.measuring import count_refusals
from ml.evaluation.gates.pictures import (
    blur_and_compress,
    blur_by_motion,
    blur_evenly,
    expose,
    flatten_contrast,
    list_images,
    read_pictures,
)
from ml.gates.domain import DomainStatistics, write_parts
from ml.gates.quality import find_field, measure_quality, shrink
from ml.gates.specification import LIMITS, RULES, GateError, GateSpecification, find_refusals
from ml.gates.verdict import CODES, Gates, describe_doubt, describe_refusal, look_at, propose_kind
from ml.imaging.inputs import encode_again
from ml.training.gate_fitting import (
    build_network,
    fit_quality_limits,
    fit_statistics,
    place_limit,
    vary_image,
)
from tests.ml.conftest import WEIGHTS
from tests.ml.drawing import draw_lesion

GOLDEN = {
    "short_side": 224.0,
    "dark_share": 0.0,
    "bright_share": 0.0,
    "brightness": 170.69,
    "contrast": 154.7,
    "sharpness": 0.8956,
}


@pytest.fixture(scope="module")
def gates():
    return Gates.load()


@pytest.fixture(scope="module")
def lesions():
    """Real dermoscopic images of the train split, in which the gates find nothing wrong."""
    paths = list_images(find_data_root() / "train")[::300]
    if not paths:
        pytest.skip("the image set fanconi-isic is not on this machine; set DERMAPORT_DATA")
    return list(read_pictures(paths))


def read_foreign(folder):
    paths = list_images(find_data_root("ood") / folder)
    if not paths:
        pytest.skip("the out-of-distribution images are not on this machine; set DERMAPORT_DATA")
    return list(read_pictures(paths))


def test_the_figures_of_a_drawn_lesion():
    image = draw_lesion(3, malignant=True)
    assert look_at(image).figures == pytest.approx(GOLDEN, abs=0.01)


def test_figures_hardly_depend_on_the_resolution():
    large = np.asarray(Image.fromarray(blur_evenly(draw_lesion(3, malignant=True, size=1792), 8)))
    small = np.asarray(Image.fromarray(large).resize((448, 448), Image.Resampling.BOX))
    first, second = (look_at(image).figures for image in (large, small))
    for name in ("dark_share", "bright_share", "brightness", "contrast", "sharpness"):
        assert first[name] == pytest.approx(second[name], rel=0.03, abs=0.002), name


def test_a_blank_image_has_no_sharpness_and_no_contrast():
    image = np.full((300, 400, 3), 128, np.uint8)
    figures = look_at(image).figures
    assert (figures["contrast"], figures["short_side"], figures["sharpness"]) == (0.0, 300.0, 0.0)


def test_a_copy_is_as_large_as_its_original():
    look = look_at(draw_lesion(3, malignant=True, size=300), (4032, 3024))
    assert look.figures["short_side"] == 3024.0


def test_a_white_mask_round_the_field_is_no_glare_and_its_edge_no_sharpness(gates):
    image = shrink(draw_lesion(3, malignant=True))
    rows, columns = np.mgrid[:224, :224] - 111.5
    outside = np.hypot(rows, columns) > 112
    masked = np.where(outside[..., None], 255, image).astype(np.uint8)
    plain, framed = (measure_quality(each, (224, 224)) for each in (image, masked))
    assert framed["bright_share"] <= plain["bright_share"] + 0.01
    assert framed["brightness"] == pytest.approx(plain["brightness"], abs=2)
    outside = np.hypot(rows, columns) > 100
    soft = np.where(outside[..., None], 255, blur_evenly(image, 3)).astype(np.uint8)
    assert "blurred" in gates.assess([soft])[0].codes


def test_hairs_belong_to_the_field_and_a_black_frame_does_not():
    light = np.full((224, 224), 150, np.float32)
    light[:, 100:103] = 5
    assert find_field(light).all()
    light[:40] = 5
    field = find_field(light)
    assert not field[:44].any()
    assert field[60:].all()


@pytest.mark.parametrize("shape", [(224, 224), (224, 224, 4), (0, 10, 3)])
def test_another_shape_is_refused_with_what_was_received(shape):
    with pytest.raises(ValueError, match=r"Expected uint8 .* received uint8"):
        shrink(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("too_small", lambda image: image[:150]),
        ("black_frame", np.zeros_like),
        ("too_dark", lambda image: expose(image, 0.2)),
        ("too_bright", lambda image: expose(image, 2.5)),
        ("blurred", lambda image: blur_evenly(image, 3)),
        ("blurred", lambda image: blur_and_compress(image, 3)),
        ("blurred", lambda image: blur_by_motion(image, 15)),
        ("low_contrast", lambda image: flatten_contrast(image, 0.03)),
    ],
)
def test_each_fault_is_found_in_most_real_images(gates, lesions, code, spoil):
    assert not any(code in verdict.codes for verdict in gates.assess(lesions))
    verdicts = gates.assess([spoil(image) for image in lesions])
    found = [verdict for verdict in verdicts if code in verdict.codes]
    assert len(found) >= 0.75 * len(lesions)


@pytest.mark.parametrize(
    ("folder", "missed"), [("pets", 0), ("objects", 0), ("textures-and-scenes", 1), ("medical-not-skin", 1)]
)
def test_what_is_no_lesion_is_refused(gates, folder, missed):
    verdicts = gates.assess(read_foreign(folder))
    assert sum("not_dermoscopic" not in verdict.codes for verdict in verdicts) <= missed


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_the_traces_of_jpeg_do_not_pass_for_sharpness(gates, lesions, quality):
    verdicts = gates.assess([encode_again(blur_evenly(image, 3), quality) for image in lesions])
    assert all("blurred" in verdict.codes for verdict in verdicts)


def test_a_sharp_image_saved_again_is_not_called_blurred(gates, lesions):
    verdicts = gates.assess([blur_and_compress(image, 0) for image in lesions])
    assert not any("blurred" in verdict.codes for verdict in verdicts)


def test_a_round_black_frame_passes(gates, lesions):
    rows, columns = np.mgrid[:224, :224] - 111.5
    inside = np.hypot(rows, columns) < 105
    verdicts = gates.assess([np.where(inside[..., None], image, 0).astype(np.uint8) for image in lesions])
    assert not any("black_frame" in verdict.codes for verdict in verdicts)


def test_a_set_is_counted_by_code_and_by_each_limit(gates, lesions):
    verdicts = gates.assess([blur_evenly(image, 5) for image in lesions])
    row = count_refusals("blurred", "degraded", verdicts, files=len(lesions) + 1)
    assert (row["images"], row["undecodable"]) == (len(lesions), 1)
    assert row["by_code"]["blurred"] == len(lesions)
    assert row["by_limit"]["sharpness_least"] == len(lesions)


def test_a_single_image_equals_the_same_in_a_batch(gates):
    images = [draw_lesion(seed, malignant=bool(seed % 2), size=200 + 50 * seed) for seed in range(5)]
    together = gates.assess(images)
    for image, verdict in zip(images, together, strict=True):
        (alone,) = gates.assess([image])
        assert alone == verdict
    assert gates.assess([]) == []


def test_a_verdict_is_json_and_holds_every_limit(gates):
    (verdict,) = gates.assess([draw_lesion(1, malignant=False)])
    assert verdict.version == gates.specification.version
    assert json.loads(json.dumps(verdict.figures)) == verdict.figures
    assert set(LIMITS) <= set(verdict.figures)
    assert all(measure in verdict.figures for _, measure, _ in RULES)


def test_every_code_has_a_sentence_and_an_unknown_one_is_refused(gates):
    (verdict,) = gates.assess([draw_lesion(1, malignant=False)])
    assert list(dict.fromkeys(code for code, _, _ in RULES)) == list(CODES)
    for code in CODES:
        for said in (describe_refusal(code, verdict.figures), describe_doubt(code, verdict.figures)):
            # The numbers stand in the figures; only a size in pixels is something a person can check.
            assert any(letter.isdigit() for letter in said) == (code == "too_small")
            assert "again" in said
    with pytest.raises(ValueError, match=r"received 'dusty'"):
        describe_refusal("dusty", verdict.figures)
    with pytest.raises(ValueError, match=r"Expected the figure 'short_side'"):
        describe_refusal("too_small", {})


def test_a_measure_at_its_limit_passes_and_one_beyond_does_not(gates):
    limits = gates.specification.limits
    at_limit = {measure: limits[limit] for _, measure, limit in RULES}
    assert find_refusals({**limits, **at_limit}) == ()
    for code, measure, limit in RULES:
        beyond = limits[limit] * (0.99 if limit.endswith("_least") else 1.01)
        figures = {**limits, **at_limit, measure: beyond}
        assert code in find_refusals(figures)
        slack = 0.02 * limits[limit]
        assert code not in find_refusals(figures, {measure: slack})
        assert code in find_refusals({**limits, **at_limit, measure: limits[limit]}, {measure: -slack})


@pytest.mark.parametrize("name", ["gates.xml", "gates.bin", "gates.npz"])
def test_a_changed_file_is_not_loaded(tmp_path, name):
    shutil.copytree(WEIGHTS / "gates", tmp_path / "gates")
    path = tmp_path / "gates" / name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(GateError, match=r"SHA-256 [0-9a-f]{64}, received [0-9a-f]{64}"):
        Gates.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("limits"),
        lambda data: data["limits"].pop("contrast_least"),
        lambda data: data["limits"].update(sharpness_least="high"),
        lambda data: data["margins"].pop("sharpness"),
        lambda data: data["domain"].update(network="../gates.xml"),
    ],
)
def test_a_malformed_specification_is_refused(gates, change):
    data = json.loads(json.dumps(gates.specification.to_dict()))
    change(data)
    with pytest.raises(GateError, match=r"expected .* received"):
        GateSpecification.from_dict(data)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(GateError, match=r"gates\.json"):
        Gates.load(tmp_path)


def test_the_statistics_survive_their_file_and_find_what_lies_outside():
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(100, 100))
    inside = (generator.normal(size=(900, 100)) @ mixing).astype(np.float32)
    statistics = fit_statistics(inside)
    data = write_parts(statistics)
    again = DomainStatistics.from_bytes(data)
    assert write_parts(again) == data
    assert np.array_equal(again.measure(inside), statistics.measure(inside))
    assert statistics.measure(inside).mean() == pytest.approx(1, abs=0.15)
    assert statistics.measure(inside[:1] * 6)[0] > 3


def test_quality_limits_are_the_softest_of_the_sets_within_their_bounds():
    def figures(brightness, bright_share, contrast):
        return [{"brightness": brightness, "bright_share": bright_share, "contrast": contrast}] * 5

    limits = fit_quality_limits(figures(100.0, 0.0, 30.0), figures(90.0, 0.5, 20.0), [0.1] * 995 + [0.3] * 5)
    assert (limits["contrast_least"], limits["brightness_most"]) == (20.0, 100.0)
    assert limits["sharpness_least"] == pytest.approx(0.1, abs=0.01)
    assert (limits["brightness_least"], limits["bright_share_most"]) == (50.0, 0.1)


def test_the_domain_limit_lies_between_dermoscopy_and_photographs():
    assert place_limit(np.full(10, 2.0), np.full(10, 8.0)) == 8.0
    assert place_limit(np.full(10, 2.0), np.full(10, 1.0)) == 2.0


def test_the_same_generator_varies_an_image_the_same_way():
    image = draw_lesion(1, malignant=True)
    first, second = (vary_image(image, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, image)


def test_the_shipped_network_computes_what_the_imagenet_one_does_and_is_small(gates, lesions):
    folder = os.environ.get("DERMAPORT_WEIGHTS") or find_data_root().parents[1] / "weights"
    path = Path(folder) / "mobilenet_v2_0.35_224_no_top.h5"
    if not path.is_file():
        pytest.skip("the ImageNet weights are not on this machine; set DERMAPORT_WEIGHTS")
    pixels = np.array([shrink(image) for image in lesions])
    expected = build_network(path).predict_on_batch(pixels.astype(np.float32))
    assert np.abs(gates._domain._network.extract(pixels) - expected).max() < 1e-4
    assert sum(file.stat().st_size for file in (WEIGHTS / "gates").iterdir()) < 3_000_000


@pytest.mark.parametrize(
    ("distance", "close_up", "kind"),
    [(1.0, 0.05, "dermoscopic"), (1.0, 0.9, "clinical"), (1.0, 0.5, ""), (3.0, 0.1, ""), (3.0, 0.9, "")],
)
def test_a_kind_is_proposed_where_it_is_sure(distance, close_up, kind):
    assert propose_kind(distance, close_up, 2.5) == kind


def test_dermoscopy_is_proposed_for_most_training_images(gates, lesions):
    kinds = [verdict.kind for verdict in gates.assess(lesions)]
    assert kinds.count("dermoscopic") >= 0.8 * len(kinds)
    assert "overview" not in kinds


def test_threads_get_their_own_figures(gates):
    looks = [look_at(draw_lesion(seed, malignant=True)) for seed in range(6)]
    expected = [verdict.figures for verdict in gates.decide(looks)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda look: gates.decide([look])[0].figures, looks * 5))
    assert found == expected * 5
