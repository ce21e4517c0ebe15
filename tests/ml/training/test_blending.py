import pytest

from ml.training.backbones import build_backbone, describe_weights
from ml.training.transfer import blend_backbone

NAME = "mobilenetv2-0.35"


def test_a_blend_lies_between_both_ends(tmp_path):
    import keras

    start = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    weights = tmp_path / "drawn.weights.h5"
    start.save_weights(weights)
    trained = build_backbone(NAME, 32, None)
    path = tmp_path / "half.weights.h5"
    blend_backbone(NAME, weights, trained, 0.5, path)
    half = build_backbone(NAME, 32, path)
    for name in ("Conv1", "block_5_expand"):
        before, after, between = (net.get_layer(name).get_weights()[0] for net in (start, trained, half))
        assert between == pytest.approx((before + after) / 2, abs=1e-6)
    assert describe_weights(path).startswith("half.weights.h5, SHA-256")
