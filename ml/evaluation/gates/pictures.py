"""Pictures to fit and measure the gates with: image sets, everyday photographs, spoilt images."""

import csv
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.imaging.decoding import decode_image
from ml.imaging.errors import UndecodableImageError
from ml.imaging.inputs import encode_again

Pixels = NDArray[np.uint8]
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".bmp"})
_CROPS: Final = 30
# What the gates are fitted on, folders below the data root; of fanconi-isic the train split alone.
TRAINING_SETS: Final = ("fanconi-isic/train", "ham10000-extra-train/train", "extra-train-2/train")
CLOSE_UP_SETS: Final = ("isic-archive-mixed/clinical", "pad-ufes-20-smartphone/test")
# Name in the report, folder below the data root. The last group must be refused or is off modality.
ACCEPTED_SETS: Final = (
    ("fanconi-isic test (660)", "fanconi-isic/test"),
    ("ham10000-subset", "ham10000-subset/test"),
    ("isic2017-segmentation", "isic2017-segmentation/test"),
    ("isic-archive-mixed dermoscopic", "isic-archive-mixed/dermoscopic"),
    ("isic-archive-mixed originals (full size)", "isic-archive-mixed/originals"),
)
MIXED_SETS: Final = (
    ("isic-archive-mixed clinical", "isic-archive-mixed/clinical"),
    ("pad-ufes-20-smartphone", "pad-ufes-20-smartphone/test"),
)
FOREIGN_SETS: Final = (
    ("pets", "ood/pets"),
    ("objects", "ood/objects"),
    ("textures-and-scenes", "ood/textures-and-scenes"),
    ("medical-not-skin", "ood/medical-not-skin"),
    ("broken-or-odd-format", "ood/broken-or-odd-format"),
)


def list_images(folder: Path) -> list[Path]:
    """Return the image files anywhere below `folder`, sorted; empty when it doesn't exist."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)


def read_original_sizes(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return (width, height) of the originals of a set's copies, by the copy's path, where told.

    `folder`: that of metadata.csv or one below it. A copy's size is its maker's doing, so that of the
    original counts.
    """
    home = next((one for one in (folder, *folder.parents) if (one / "metadata.csv").is_file()), None)
    if home is None:
        return {}
    with (home / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        return {
            home / row["path"]: (int(row["original_width"]), int(row["original_height"]))
            for row in csv.DictReader(stream)
            if row.get("original_width")
        }


def read_pictures(paths: Iterable[Path]) -> Iterator[Pixels]:
    """Yield the decoded pictures, uint8 RGB, leaving out those that no upload would get past."""
    for path in paths:
        try:
            yield np.asarray(decode_image(path.read_bytes()))
        except UndecodableImageError:
            continue


def crop_photographs(seed: int) -> list[Pixels]:
    """Return 90 crops of the three sample photographs that scikit-learn and Matplotlib carry.

    Everyday pictures (a temple, a flower, a portrait) for choosing the domain gate's limit, so that
    the pictures it is reported on have no part in it.
    """
    import matplotlib as mpl
    import sklearn

    flowers = Path(sklearn.__file__).parent / "datasets" / "images"
    portrait = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    generator = np.random.default_rng(seed)
    crops = []
    for picture in read_pictures([flowers / "china.jpg", flowers / "flower.jpg", portrait]):
        short = min(picture.shape[:2])
        for _ in range(_CROPS):
            side = int(short * generator.uniform(0.25, 1))
            top, left = (int(generator.integers(0, length - side + 1)) for length in picture.shape[:2])
            crops.append(picture[top : top + side, left : left + side])
    return crops


def blur_by_share(pixels: Pixels, radius: float) -> Pixels:
    """Return `pixels` of any size out of focus by `radius` pixels of the working size, saved as JPEG 75."""
    scale = float(np.sqrt(pixels.shape[0] * pixels.shape[1])) / 224
    return encode_again(blur_evenly(pixels, radius * scale), 75)


def reduce_picture(pixels: Pixels, longest: int, filter_: Image.Resampling, quality: int) -> Pixels:
    """Return the copy that a browser sends for the check: at most `longest` wide and high, JPEG, 4:2:0.

    Browsers shrink by different filters, so the filter is told. A picture that is no larger is sent
    as it is.
    """
    picture = Image.fromarray(pixels)
    scale = longest / max(picture.size)
    if scale >= 1:
        return pixels
    width, height = (max(1, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), filter_)
    stream = BytesIO()
    picture.save(stream, format="JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(stream).convert("RGB"))


def blur_evenly(pixels: Pixels, radius: float) -> Pixels:
    """Return `pixels` out of focus: a Gaussian of standard deviation `radius` pixels."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def blur_and_compress(pixels: Pixels, radius: float) -> Pixels:
    """Return `pixels` out of focus as `blur_evenly`, then saved as JPEG of quality 75."""
    return encode_again(blur_evenly(pixels, radius), 75)


def blur_by_motion(pixels: Pixels, length: float) -> Pixels:
    """Return `pixels` moved sideways by `length` pixels during the exposure."""
    width = int(length)
    padded = np.pad(pixels.astype(np.float64), ((0, 0), (width // 2, width - 1 - width // 2), (0, 0)), "edge")
    shifted = [padded[:, start : start + pixels.shape[1]] for start in range(width)]
    return np.asarray(np.mean(shifted, axis=0), dtype=np.uint8)


def expose(pixels: Pixels, factor: float) -> Pixels:
    """Return `pixels` with `factor` times the light, clipped."""
    return np.asarray(np.clip(pixels * np.float64(factor), 0, 255), dtype=np.uint8)


def flatten_contrast(pixels: Pixels, factor: float) -> Pixels:
    """Return `pixels` drawn towards their mean, `factor` of the contrast left."""
    mean = pixels.mean(axis=(0, 1), dtype=np.float64)
    return np.asarray(np.clip(mean + (pixels - mean) * factor, 0, 255), dtype=np.uint8)


# Kind, change, strengths (pixels of the 224, or a factor), measure, and whether less of it is worse.
DEGRADATIONS: Final[
    tuple[tuple[str, Callable[[Pixels, float], Pixels], tuple[float, ...], str, bool], ...]
] = (
    ("gaussian blur", blur_evenly, (1.0, 1.5, 2.0, 3.0, 5.0), "sharpness", True),
    ("JPEG 75 of gaussian blur", blur_and_compress, (1.0, 1.5, 2.0, 3.0, 5.0), "sharpness", True),
    ("motion blur", blur_by_motion, (5.0, 9.0, 15.0), "sharpness", True),
    ("under-exposure", expose, (0.5, 0.35, 0.25, 0.1), "brightness", True),
    ("over-exposure", expose, (1.4, 1.8, 2.5), "bright_share", False),
    ("black", expose, (0.0,), "dark_share", False),
    ("low contrast", flatten_contrast, (0.3, 0.1, 0.03), "contrast", True),
)
