"""Diagnoses in words: what a lesion could be to a network, as pages, paper and files say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.domain.vocabulary import LesionGroup, ModelAnswer
from classifier.labels.probability import bounded_hundredths, place_on_line

if TYPE_CHECKING:
    from classifier.domain.diagnoses import Code, PossibleDiagnoses
    from classifier.models import Prediction

COULD_BE = "Could be"
OF_HUNDRED = "of 100"
NONE_WORDS = "None of these stands out"
EXPLANATION = "On the scale of the score above: all malignant diagnoses, listed or not, add up to it."
BENIGN_FIRST = (
    "A benign diagnosis may come first although the answer isn't benign: the threshold is low, so that few malignant "
    "lesions are missed."
)


@dataclass(frozen=True)
class DiagnosisRow:
    """One diagnosis with its bar: `share` from 0 to 1, `figure` of 100, `width` of the bar in per cent of the whole.

    No per cent sign: as the score that they add up to, it is a share of lesions only among images like the network's.
    """

    name: str
    group: str
    share: float
    figure: str
    width: str
    is_malignant: bool


@dataclass(frozen=True)
class DiagnosisList:
    """`none` is said before the rows where none of them stands out, and is empty otherwise; `unit` of the figures."""

    title: str
    unit: str
    none: str
    rows: tuple[DiagnosisRow, ...]
    notes: tuple[str, ...]


def list_shown(prediction: Prediction | None) -> DiagnosisList | None:
    """What stands under an answer; None where the network names no diagnoses.

    Whether it may be shown is not asked here: give it the prediction of a summary, which is None where the answer
    is withheld (`classifier.standing.summary`).
    """
    could_be = prediction.could_be if prediction else None
    if prediction is None or could_be is None:
        return None
    rows = tuple(
        DiagnosisRow(
            name=one.words,
            group=str((LesionGroup.MALIGNANT if one.is_malignant else LesionGroup.BENIGN).label),
            share=one.probability,
            figure=bounded_hundredths(one.probability),
            width=place_on_line(one.probability),
            is_malignant=one.is_malignant,
        )
        for one in could_be.choose_shown(prediction.outcome)
    )
    is_surprising = prediction.outcome != ModelAnswer.BENIGN and not rows[0].is_malignant
    notes = (EXPLANATION, *([BENIGN_FIRST] if is_surprising else []))
    return DiagnosisList(COULD_BE, OF_HUNDRED, "" if could_be.stands_out else NONE_WORDS, rows, notes)


def list_diagnoses(prediction: Prediction | None) -> list[object]:
    """Two cells of a table: "mel=0.6120 nv=0.3011 …", the most probable first, and whether the first stands out."""
    could_be = prediction.could_be if prediction else None
    if could_be is None:
        return [None, None]
    said = " ".join(
        f"{one.key or one.name.replace(' ', '_')}={one.probability:.4f}" for one in could_be.every
    )
    return [said, could_be.stands_out]


def describe_diagnoses(could_be: PossibleDiagnoses | None) -> dict[str, Any] | None:
    """As JSON for programs: every diagnosis with its codes; None where the network names none."""
    if could_be is None:
        return None
    return {
        "labels": could_be.labels,
        "stands_out": could_be.stands_out,
        "policy": {"entropy_most": None, **could_be.policy},
        "diagnoses": [
            {
                "code": one.key or None,
                "name": one.name,
                "display": one.words,
                "is_malignant": one.is_malignant,
                "probability": one.probability,
                "codes": _describe_codes(one.label.codes if one.label else ()),
                "members": _describe_codes(one.label.members if one.label else ()),
            }
            for one in could_be.every
        ],
    }


def _describe_codes(codes: tuple[Code, ...]) -> list[dict[str, str]]:
    return [{"system": one.system, "code": one.code, "display": one.display} for one in codes]
