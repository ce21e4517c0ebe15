"""Drawn lesions and drawn image sets: no real image, the same pixels on every machine."""

import csv
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

SKIN = np.array([222, 178, 152])
BENIGN = np.array([150, 104, 80])
MALIGNANT = np.array([62, 40, 48])


def draw_lesion(seed: int, *, malignant: bool, size: int = 224) -> np.ndarray:
    """One dark spot on skin, uint8 (size, size, 3): integers and elementary arithmetic only."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    centre = generator.integers(-80, 81, size=2) / 1000
    radius = generator.integers(180, 300) / 1000
    stretch = generator.integers(70, 100) / 100
    inside = (rows - centre[0]) ** 2 + ((columns - centre[1]) / stretch) ** 2 < radius**2
    colours = np.where(inside[..., None], MALIGNANT if malignant else BENIGN, SKIN)
    noise = generator.integers(-12, 13, size=(size, size, 1))
    return np.clip(colours + noise, 0, 255).astype(np.uint8)


def save_lesion(path: Path, seed: int, *, malignant: bool, size: int) -> str:
    """Write a drawn lesion losslessly and return the file's SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_lesion(seed, malignant=malignant, size=size)).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_image_set(root: Path, *, size: int = 32, train: int = 16, test: int = 6) -> Path:
    """A drawn set with the tables of the real one; `train` and `test` are counts a class."""
    rows = []
    for split, count in (("train", train), ("test", test)):
        for label in ("benign", "malignant"):
            for number in range(count):
                path = f"{split}/{label}/{number}.png"
                seed = len(rows)
                sha256 = save_lesion(root / path, seed, malignant=label == "malignant", size=size)
                duplicate = "1" if split == "test" and number == 0 else "0"
                rows.append((path, split, label, sha256, duplicate))
    header = ("path", "split", "label", "sha256", "test_image_has_train_duplicate")
    write_table(root / "images.csv", header, rows)
    pairs = [
        ("train/benign/0.png", "train/benign/1.png"),
        ("train/benign/1.png", "train/benign/2.png"),
        ("test/malignant/0.png", "train/malignant/3.png"),
        ("test/malignant/0.png", "train/malignant/4.png"),
    ]
    write_table(root / "near_duplicates.csv", ("path_a", "path_b"), pairs)
    return root


DIAGNOSES = {"benign": ("nv", "bkl"), "malignant": ("bcc", "akiec")}


def draw_extra_set(root: Path, *, size: int = 32, count: int = 6) -> Path:
    """A drawn set with the tables of ham10000-extra-train, `count` images a class."""
    rows, manifest = [], []
    for label in ("benign", "malignant"):
        for number in range(count):
            path = f"train/{label}/{number}.png"
            sha256 = save_lesion(root / path, 500 + len(rows), malignant=label == "malignant", size=size)
            rows.append((path, f"HAM_{len(rows):04}", label, DIAGNOSES[label][number % 2]))
            manifest.append(f"{sha256}  {path}\n")
    write_table(root / "metadata.csv", ("path", "lesion_id", "label", "dx"), rows)
    (root / "manifest.sha256").write_text("".join(manifest), encoding="utf-8")
    return root


def write_table(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def draw_sourced_sets(root: Path, *, size: int = 32) -> Path:
    """Drawn sets with the tables that tell each training image's source; `root` is the data root."""
    draw_image_set(root / "fanconi-isic", size=size)
    draw_extra_set(root / "ham10000-extra-train", size=size)
    header = ("path", "isic_id", "archive", "lesion_id", "isic2019_class")
    named = [
        (f"train/benign/{number}.png", f"ISIC_{27100 + number:07}", "HAM10000", f"HAM_1{number:03}", "NV")
        for number in range(16)
    ]
    named += [  # by turns MSK and UDA; the last four stay without a name
        (f"train/malignant/{number}.png", f"ISIC_{identity:07}", "MSK", f"MSK4_{number}", "MEL")
        for number, identity in enumerate(
            (13300, 100, 13302, 103, 13304, 105, 13306, 107, 13308, 109, 13310, 111)
        )
    ]
    write_table(root / "fanconi-isic" / "fanconi_isic2019_crosswalk.csv", header, named)
    rows, manifest = [], []
    for number in range(36):
        malignant = number % 3 == 0
        path = f"train/{number}.png"
        folder = root / "extra-train-2"
        sha256 = save_lesion(folder / path, 900 + number, malignant=malignant, size=size)
        archive = "ISIC 2020" if number >= 24 else "MSK"
        identity = "" if number >= 24 else f"ISIC_{13500 + number if number < 16 else number:07}"
        lesion = f"MSK4_{number}" if number == 0 else ""
        label = "malignant" if malignant else "benign"
        frame = "centre crop" if number % 5 == 0 else "whole frame squashed"
        rows.append(
            (path, identity, label, "mel" if malignant else "nv", archive, lesion, f"G{number}", frame)
        )
        manifest.append(f"{sha256}  {path}\n")
    header = ("path", "isic_id", "label", "dx", "archive", "lesion_id", "group", "frame")
    write_table(root / "extra-train-2" / "metadata.csv", header, rows)
    (root / "extra-train-2" / "manifest.sha256").write_text("".join(manifest), encoding="utf-8")
    return root


# --- A backbone


def build_small(_name, input_size, _weights):
    """A network of few layers with the names of a backbone's, the same drawn weights each time."""
    import keras
    from keras import layers

    def convolve(values, name, seed):
        kernel = keras.initializers.GlorotUniform(seed=seed)
        layer = layers.Conv2D(8, 3, strides=2, activation="relu", kernel_initializer=kernel, name=name)
        return layer(values)

    image = keras.Input((input_size, input_size, 3), name="image")
    below = convolve(layers.Rescaling(1 / 255)(image), "cut", 1)
    above = layers.BatchNormalization()(convolve(below, "above", 2))
    features = layers.GlobalAveragePooling2D(name="features")(above)
    dropped = layers.Dropout(0.2, name="dropout")(features)
    head = layers.Dense(1, activation="sigmoid", name="malignant")
    return keras.Model(image, head(dropped), name="small")
