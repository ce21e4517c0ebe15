"""Networks that outline a lesion: a U-Net and an FCN-8s, both on the small MobileNetV2 of ImageNet.

U-Net: Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks for biomedical image segmentation".
FCN-8s: Long, Shelhamer and Darrell 2015, "Fully convolutional networks for semantic segmentation"; theirs stands on
VGG-16, which is 46 times the size a portal may ship.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ml.training.architectures import ArchitectureError
from ml.training.backbones import BACKBONES, find_application, freeze_statistics

if TYPE_CHECKING:
    import keras

BACKBONE: Final = "mobilenetv2-0.35"
# The encoder's last layer at a quarter, eighth, 16th and 32nd of the input's side.
_SKIPS: Final = (
    "block_3_expand_relu",
    "block_6_expand_relu",
    "block_13_expand_relu",
    "block_16_project",
)
_DECODER: Final = (64, 48, 32)
# Edges and colours that ImageNet taught and 200 pictures would only spoil.
_LAST_FROZEN: Final = "block_2_add"


def build_unet(side: int, weights: Path | None) -> "keras.Model":
    """Build the U-Net: raw RGB 0 to 255 (n, side, side, 3) to P(lesion) of each pixel (n, side, side, 1).

    The decoder doubles the side three times, joining the encoder's values of that size each time; its convolutions
    are separable. The logits, at a quarter of the side, are enlarged to the whole (bilinear): an outline is smooth.
    `weights`: ImageNet's, without the head, or None for random ones.
    `side` must be a multiple of 32; raises ArchitectureError.
    """
    from keras import layers

    image, skips = _build_encoder(side, weights)
    value = skips[-1]
    for place, filters in enumerate(_DECODER):
        value = layers.UpSampling2D(2, interpolation="bilinear", name=f"up_{place}")(value)
        value = layers.Concatenate(name=f"join_{place}")([value, skips[-2 - place]])
        for turn in ("a", "b"):
            value = layers.SeparableConv2D(
                filters, 3, padding="same", use_bias=False, name=f"decode_{place}{turn}"
            )(value)
            value = layers.BatchNormalization(momentum=0.9, name=f"normal_{place}{turn}")(value)
            value = layers.ReLU(name=f"relu_{place}{turn}")(value)
    logits = layers.Conv2D(1, 1, name="score")(value)
    return _finish(image, layers.UpSampling2D(4, interpolation="bilinear", name="up_last")(logits), "unet")


def build_fcn8s(side: int, weights: Path | None) -> "keras.Model":
    """Build the FCN-8s: raw RGB 0 to 255 (n, side, side, 3) to P(lesion) of each pixel (n, side, side, 1).

    One 1x1 convolution scores the encoder's values at a 32nd, a 16th and an eighth of the side; the scores are
    doubled and added from coarse to fine, and the last ones enlarged eight times (bilinear, as the paper's layers
    start). Arguments and errors as `build_unet`.
    """
    from keras import layers

    image, skips = _build_encoder(side, weights)
    score = layers.Conv2D(1, 1, name="score_32")(skips[3])
    for place, stride in ((2, 16), (1, 8)):
        score = layers.UpSampling2D(2, interpolation="bilinear", name=f"up_{stride}")(score)
        score = layers.Add(name=f"sum_{stride}")(
            [score, layers.Conv2D(1, 1, name=f"score_{stride}")(skips[place])]
        )
    return _finish(image, layers.UpSampling2D(8, interpolation="bilinear", name="up_last")(score), "fcn_8s")


OUTLINE_ARCHITECTURES: Final[dict[str, Callable[[int, Path | None], "keras.Model"]]] = {
    "unet": build_unet,
    "fcn-8s": build_fcn8s,
}


def _build_encoder(side: int, weights: Path | None) -> tuple[Any, list[Any]]:
    import keras
    from keras import layers

    if side < 64 or side % 32:
        raise ArchitectureError(f"Expected a side of 64, 96, 128 … pixels, received {side}.")
    backbone = BACKBONES[BACKBONE]
    image = keras.Input((side, side, 3), name="image")
    signed = layers.Rescaling(1 / 127.5, offset=-1.0, name="to_signed")(image)
    base = find_application(BACKBONE)(
        include_top=False,
        weights=None if weights is None else str(weights),
        input_tensor=signed,
        **dict(backbone.options),
    )
    freeze_statistics(base)
    for layer in base.layers:
        layer.trainable = False
        if layer.name == _LAST_FROZEN:
            break
    return image, [base.get_layer(name).output for name in _SKIPS]


def _finish(image: Any, logits: Any, name: str) -> "keras.Model":
    import keras
    from keras import layers

    return keras.Model(image, layers.Activation("sigmoid", name="lesion")(logits), name=name)
