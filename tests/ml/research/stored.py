"""Stored predictions drawn from a generator: what a report is tested on."""

from dataclasses import replace

import numpy as np

from ml.datasets.image_sets import SETS, SetImage
from ml.evaluation.consistency import COLUMNS as VIEWS
from ml.evaluation.scoring import ScoredImage
from ml.evaluation.stored_predictions import StoredRow, describe_network, format_table, store_table
from ml.serving.policy import DecisionPolicy
from ml.serving.specification import ModelSpecification

SIZES = {"fanconi-test": 160, "ham10000-subset": 140, "isic2017-segmentation": 40}


def draw_rows(name, policy, count, skill=2.0, seed=0):
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        malignant = index % 2 == 1
        p = float(1 / (1 + np.exp(-generator.normal(skill if malignant else -skill, 1.5))))
        image = SetImage(
            f"{'malignant' if malignant else 'benign'}/{index}.jpg",
            "0" * 64,
            "malignant" if malignant else "benign",
            ("mel" if index % 3 else "bcc") if malignant else "nv",
            f"lesion-{index // 4 if name.startswith('isic-archive') else index}-{malignant}",
            str(20 + index % 60),
            "female" if index % 4 < 2 else "male",
            "back",
            tags=("clean unseen " if index % 5 else "") + ("ham10000" if index % 7 else ""),
        )
        scored = ScoredImage(image.path, image.sha256, image.label, p, p, policy.outcome(p))
        rows.append(StoredRow(scored, image, float(generator.normal(45, 12))))
    return rows


def name_classes(row, specification, seed):
    """The row with probabilities of the specification's classes, its own diagnosis mostly the first."""
    p = np.random.default_rng(seed).random(len(specification.classes)) / 2
    p[list(specification.classes).index(row.image.diagnosis)] += 1
    shares = (p / p.sum()).tolist()
    named = tuple(zip(specification.classes, shares, strict=True))
    return replace(row, scored=replace(row.scored, diagnoses=named))


def store_network(results, data, *, name=None, skill=2.0):
    """Keep drawn predictions of a specification on every set, as `python -m ml evaluate` does."""
    specification = ModelSpecification.from_dict(data)
    network = describe_network(specification)
    policy = DecisionPolicy.from_dict(specification.policy)
    folder = results / "predictions" / (name or specification.name)
    for seed, each in enumerate(SETS):
        rows = draw_rows(each, policy, SIZES.get(each, 24), skill, seed)
        if specification.names_diagnoses:
            rows = [name_classes(row, specification, number) for number, row in enumerate(rows)]
        store_table(folder, each, *format_table(rows), network=network, manifest="m")
    generator = np.random.default_rng(9)
    lines = []
    for index in range(50):
        p = generator.random()
        near = np.clip(p + generator.normal(0, 0.02, len(VIEWS) - 3), 0, 1)
        lines.append([f"{index}.jpg", str(index), f"{p:.6f}", *(f"{value:.6f}" for value in near)])
    store_table(folder, "consistency", VIEWS, lines, network=network, manifest="m")
    return folder
