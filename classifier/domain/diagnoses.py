"""Diagnoses that a network names: their labels and codes, by version, and how a stored answer is read.

The one home of the codes. A label is found by the name that a network's specification gives its class; a class of an
unknown name is shown by that name, without a code. A table never changes: what is said otherwise is a new version,
and each stored answer names the version that it was written with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifier.domain.vocabulary import Diagnosis, ModelAnswer

LABELS_VERSION = "1"
"""Of the table that answers are written with today."""
SHOWN = 3
"""How many diagnoses stand under an answer."""


@dataclass(frozen=True)
class Code:
    """A code of `isic` (the archive's diagnosis, level by level), `icd-10` or `icd-11` (both of WHO)."""

    system: str
    code: str
    display: str


@dataclass(frozen=True)
class DiagnosisLabel:
    """`codes`: the nearest of each system that holds the whole group; `members`: of diseases within it.

    Where the diseases of a group differ in what they mean, as actinic keratosis and squamous cell carcinoma, no
    code of one of them stands for the group.
    """

    key: str
    name: str
    codes: tuple[Code, ...] = ()
    members: tuple[Code, ...] = ()


def _isic(path: str) -> Code:
    return Code("isic", path, path.rpartition(":")[2])


_ICD_10 = {
    "C43": "Malignant melanoma of skin",
    "C44": "Other malignant neoplasms of skin",
    "D03": "Melanoma in situ",
    "D04": "Carcinoma in situ of skin",
    "D18.0": "Haemangioma, any site",
    "D22": "Melanocytic naevi",
    "D23": "Other benign neoplasms of skin",
    "L57.0": "Actinic keratosis",
    "L82": "Seborrhoeic keratosis",
    "L98.0": "Pyogenic granuloma",
}
_ICD_11 = {
    "2C30": "Melanoma of skin",
    "2C31": "Squamous cell carcinoma of skin",
    "2C32": "Basal cell carcinoma of skin",
    "2E63": "Melanoma in situ neoplasms",
    "2E64": "Carcinoma in situ of skin",
    "2E81": "Benign vascular neoplasms",
    "2F20": "Benign cutaneous melanocytic neoplasms",
    "2F21.0": "Seborrhoeic keratosis",
    "2F23.0": "Dermatofibroma",
    "EK90.0": "Actinic keratosis",
}


def _icd(ten: str = "", eleven: str = "") -> tuple[Code, ...]:
    """Codes of ICD-10 and ICD-11, in the order given, parted by spaces."""
    return (
        *(Code("icd-10", code, _ICD_10[code]) for code in ten.split()),
        *(Code("icd-11", code, _ICD_11[code]) for code in eleven.split()),
    )


_TABLE_1 = (
    DiagnosisLabel(
        "nv",
        Diagnosis.NAEVUS.label,
        (_isic("Benign:Benign melanocytic proliferations:Nevus"), *_icd("D22", "2F20")),
    ),
    DiagnosisLabel(
        "mel",
        Diagnosis.MELANOMA.label,
        (_isic("Malignant:Malignant melanocytic proliferations (Melanoma)"), *_icd("C43", "2C30")),
        _icd("D03", "2E63"),
    ),
    DiagnosisLabel(
        "bcc",
        Diagnosis.BASAL_CELL_CARCINOMA.label,
        (
            _isic("Malignant:Malignant adnexal epithelial proliferations - Follicular:Basal cell carcinoma"),
            *_icd("C44", "2C32"),
        ),
    ),
    DiagnosisLabel(
        "akiec",
        "Squamous cell carcinoma or actinic keratosis",
        members=(
            _isic("Malignant:Malignant epidermal proliferations"),
            _isic("Indeterminate:Indeterminate epidermal proliferations:Solar or actinic keratosis"),
            *_icd("C44 D04 L57.0", "2C31 2E64 EK90.0"),
        ),
    ),
    DiagnosisLabel(
        "scc",
        Diagnosis.SQUAMOUS_CELL_CARCINOMA.label,
        (_isic("Malignant:Malignant epidermal proliferations"), *_icd("C44", "2C31")),
    ),
    DiagnosisLabel(
        "ak",
        Diagnosis.ACTINIC_KERATOSIS.label,
        (
            _isic("Indeterminate:Indeterminate epidermal proliferations:Solar or actinic keratosis"),
            *_icd("L57.0", "EK90.0"),
        ),
        _icd("D04", "2E64"),
    ),
    DiagnosisLabel(
        "bkl",
        Diagnosis.SEBORRHOEIC_KERATOSIS.label,
        (_isic("Benign:Benign epidermal proliferations"), *_icd("L82", "2F21.0")),
    ),
    DiagnosisLabel(
        "df",
        Diagnosis.DERMATOFIBROMA.label,
        (
            _isic("Benign:Benign soft tissue proliferations - Fibro-histiocytic:Dermatofibroma"),
            *_icd("D23", "2F23.0"),
        ),
    ),
    DiagnosisLabel(
        "vasc",
        Diagnosis.VASCULAR_LESION.label,
        (_isic("Benign:Benign soft tissue proliferations - Vascular"), *_icd(eleven="2E81")),
        _icd("D18.0 L98.0"),
    ),
    DiagnosisLabel("other", "Another diagnosis"),
)
LABELS: dict[str, dict[str, DiagnosisLabel]] = {"1": {label.key: label for label in _TABLE_1}}
"""Each version's labels by key; the keys of HAM10000 and ISIC, as most networks write their classes."""

_OTHER_NAMES = {
    "nevus": "nv",
    "naevus": "nv",
    "nev": "nv",
    "melanocytic_nevus": "nv",
    "melanocytic_naevus": "nv",
    "melanoma": "mel",
    "basal_cell_carcinoma": "bcc",
    "squamous_cell_carcinoma": "scc",
    "actinic_keratosis": "ak",
    "ack": "ak",
    "benign_keratosis": "bkl",
    "seborrheic_keratosis": "bkl",
    "seborrhoeic_keratosis": "bkl",
    "pigmented_benign_keratosis": "bkl",
    "sek": "bkl",
    "sk": "bkl",
    "dermatofibroma": "df",
    "vascular_lesion": "vasc",
    "unk": "other",
    "unknown": "other",
}


def find_label(name: str, version: str = LABELS_VERSION) -> DiagnosisLabel | None:
    """The label of a network's class called `name`, whatever its capitals and spaces; None if there is none."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return LABELS.get(version, {}).get(_OTHER_NAMES.get(plain, plain))


@dataclass(frozen=True)
class PossibleDiagnosis:
    """One class of a network: `name` as its specification has it, its label, and its probability from 0 to 1."""

    name: str
    probability: float
    is_malignant: bool
    label: DiagnosisLabel | None

    @property
    def key(self) -> str:
        """Of the label; empty for a class without one."""
        return self.label.key if self.label else ""

    @property
    def words(self) -> str:
        return self.label.name if self.label else self.name


@dataclass(frozen=True)
class PossibleDiagnoses:
    """What a network says that one image could show, the most probable first.

    The malignant ones add up to the calibrated probability of malignancy. `stands_out`: whether the first does by
    the policy of the network's specification; else "none of these stands out" is said before them.
    """

    labels: str
    stands_out: bool
    policy: Mapping[str, Any]
    every: tuple[PossibleDiagnosis, ...]

    def choose_shown(self, outcome: str) -> tuple[PossibleDiagnosis, ...]:
        """The first three; where the answer isn't benign, the last of them malignant if none of them was."""
        first = self.every[:SHOWN]
        malignant = [one for one in self.every if one.is_malignant]
        if outcome == ModelAnswer.BENIGN or not malignant or any(one.is_malignant for one in first):
            return first
        return (*first[:-1], malignant[0])


def write_diagnoses(named: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a network's answer: `classes`, `stands_out` and `policy`, with the version of the labels."""
    return {"labels": LABELS_VERSION, **named}


def read_diagnoses(stored: Mapping[str, Any] | None) -> PossibleDiagnoses | None:
    """What `write_diagnoses` kept; None of an answer without diagnoses."""
    if stored is None:
        return None
    version = stored["labels"]
    return PossibleDiagnoses(
        labels=version,
        stands_out=stored["stands_out"],
        policy=stored["policy"],
        every=tuple(
            PossibleDiagnosis(
                one["name"], one["probability"], one["is_malignant"], find_label(one["name"], version)
            )
            for one in stored["classes"]
        ),
    )
