"""Which earlier systems are built: what the paper's literature describes, and what stands for it here."""

from dataclasses import dataclass
from typing import Final

ALEXNET: Final = "alexnet"
SVM: Final = "svm"
PERCEPTRON: Final = "perceptron"
LINEAR: Final = "linear"
TEXTURE: Final = "texture"
WAVELETS: Final = "wavelets"


@dataclass(frozen=True, slots=True)
class BaselineSystem:
    """One earlier system.

    `title`: its name in the report; `network`: what deep features come from, `alexnet` (trained from scratch in
    every run) or a name of `ml.training.backbones.BACKBONES` (frozen), or empty; `handmade`: which of `texture` and
    `wavelets` stand beside them; `classifier`: `svm`, `perceptron` or `linear`. `random_size`: side in pixels at
    which the network runs with random weights where no file of weights is given; 0 where that would be pointless.
    `claimed`: the accuracy that the literature gives, in [0, 1], None where the project has no source for one.
    """

    name: str
    title: str
    network: str
    handmade: tuple[str, ...]
    classifier: str
    random_size: int = 0
    claimed: float | None = None


SYSTEMS: Final[dict[str, BaselineSystem]] = {
    system.name: system
    for system in (
        BaselineSystem("alexnet-svm", "AlexNet, PCA, wavelets, SVM", ALEXNET, (WAVELETS,), SVM),
        BaselineSystem(
            "vgg-16-svm", "VGG-16, PCA, wavelets, SVM", "vgg-16", (WAVELETS,), SVM, random_size=48
        ),
        BaselineSystem(
            "texture-mlp",
            "texture and wavelets, perceptron by back-propagation",
            "",
            (TEXTURE, WAVELETS),
            PERCEPTRON,
        ),
        BaselineSystem("resnet-50", "ResNet-50, frozen, linear probe", "resnet-50", (), LINEAR),
        BaselineSystem("inception-v3", "Inception-v3, frozen, linear probe", "inception-v3", (), LINEAR),
        BaselineSystem(
            "inception-resnet-v2",
            "Inception-ResNet-v2, frozen, linear probe",
            "inception-resnet-v2",
            (),
            LINEAR,
        ),
        BaselineSystem("densenet-201", "DenseNet-201, frozen, linear probe", "densenet-201", (), LINEAR),
        BaselineSystem(
            "mobilenetv2-0.35", "MobileNetV2 0.35, frozen, linear probe", "mobilenetv2-0.35", (), LINEAR
        ),
        BaselineSystem(
            "efficientnetv2-b0", "EfficientNetV2-B0, frozen, linear probe", "efficientnetv2-b0", (), LINEAR
        ),
    )
}
