"""CodeSystem: our own code systems, published so that a code can be looked up where it was met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.domain.diagnoses import LABELS, LABELS_VERSION
from classifier.domain.vocabulary import (
    BODY_SITES,
    CaptureKind,
    DermoscopicType,
    Diagnosis,
    Histopathology,
    Laterality,
    Management,
    ModelAnswer,
    Standing,
)
from classifier.fhir.systems import NONE_STANDS_OUT, OURS
from classifier.labels.audit import ACTION_WORDS
from classifier.labels.diagnoses import NONE_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.fhir.systems import JSON


@dataclass(frozen=True)
class System:
    title: str
    words: str
    codes: Mapping[str, str]
    is_complete: bool = True


SYSTEMS: dict[str, System] = {
    "audit-action": System(
        "What was done", "Actions of the audit log; more may come.", ACTION_WORDS, is_complete=False
    ),
    "body-site": System("Body site", "The ISIC archive's hierarchy of anatomical sites.", BODY_SITES),
    "capture-kind": System("Kind of image", "How a photograph was taken.", dict(CaptureKind.choices)),
    "case": System(
        "Work on a case",
        "What is asked for and done about a case.",
        {
            "lesion-assessment": "Assessment of a skin lesion from images",
            "classifier": "Network that classifies dermoscopic images",
            "inference": "Judged by a network",
            "signature": "Signed by a dermatologist",
            "amendment": "Amended by a dermatologist",
            "portal-event": "Event of the portal",
        },
    ),
    "dermoscopic-type": System(
        "Kind of dermoscopy",
        "How a dermoscopic picture was lit, and whether the dermatoscope touched the skin.",
        dict(DermoscopicType.choices),
    ),
    "diagnosis": System("Diagnosis", "What a dermatologist reads.", dict(Diagnosis.choices)),
    "error": System("Errors and refusals", "Stable codes for programs.", {}, is_complete=False),
    "figure": System(
        "Figures of a network",
        "Numbers from 0 to 1. A calibrated probability within the refer band has the outcome refer, "
        "above it malignant, below it benign.",
        {
            "malignancy-probability": "Calibrated probability that the lesion is malignant",
            "raw-probability": "The network's own figure, before calibration",
            "threshold": "Where malignant begins when there are two answers only",
            "refer-low": "Lower end of the refer band",
            "refer-high": "Upper end of the refer band",
            "predictive-value": "Share of lesions with such a figure that are malignant at the clinic's prevalence",
            "predictive-value-low": "The least of it in hospitals that the network never learned from",
            "predictive-value-high": "The most of it in hospitals that the network never learned from",
            "prevalence": "Share of the clinic's lesions that are malignant, as it was set when the answer came",
        },
    ),
    "histopathology": System("Histopathology", "What a pathologist found.", dict(Histopathology.choices)),
    "isic-diagnosis": System(
        "Diagnosis in the ISIC archive",
        "The ISIC archive's hierarchy of diagnoses: those that a network here can name.",
        {
            code.code: code.display
            for label in LABELS[LABELS_VERSION].values()
            for code in label.codes
            if code.system == "isic"
        },
        is_complete=False,
    ),
    "laterality": System("Side", "The side of the body.", dict(Laterality.choices)),
    "management": System("Management", "What a dermatologist advises.", dict(Management.choices)),
    "model-diagnosis": System(
        "Diagnosis that a network names",
        "What a lesion could be to a network; its malignant ones add up to the probability of malignancy. "
        "None-stands-out: the probability is spread, and none of them is to be read as the diagnosis.",
        {
            **{label.key: label.name for label in LABELS[LABELS_VERSION].values()},
            NONE_STANDS_OUT: NONE_WORDS,
        },
    ),
    "outcome": System(
        "Outcome",
        "What the model says. Refer: it can't or shouldn't judge; never to be read as benign.",
        dict(ModelAnswer.choices),
    ),
    "standing": System(
        "Standing",
        "What a case is held for: histopathology over the signed review over the model. Refer: the "
        "model doesn't decide. Not judged: the model could not, or was not to, and nobody has signed.",
        dict(Standing.choices),
    ),
}


def build_code_system(key: str) -> JSON:
    system = SYSTEMS[key]
    concepts = [{"code": code, "display": str(display)} for code, display in system.codes.items()]
    return {
        "resourceType": "CodeSystem",
        "id": key,
        "url": f"{OURS}{key}",
        "name": "Dermaport" + key.title().replace("-", ""),
        "title": system.title,
        "status": "active",
        "experimental": False,
        "description": system.words,
        "caseSensitive": True,
        "content": "complete" if system.is_complete else "fragment",
        **({"count": len(concepts)} if system.is_complete else {}),
        **({"concept": concepts} if concepts else {}),
    }
