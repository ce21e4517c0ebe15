"""What a network says of one image: a figure with its outcome, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.domain.states import Headline, PredictionState
from classifier.domain.vocabulary import UNLIKE_TRAINING, ModelAnswer
from classifier.fhir.elements import drop_empty, instant, refer_to, site_of
from classifier.fhir.systems import (
    ERROR,
    FIGURE,
    HL7,
    ICD_10,
    ICD_11,
    ISIC_DIAGNOSIS,
    MODEL_DIAGNOSIS,
    NONE_STANDS_OUT,
    OUTCOME,
    UCUM,
    coded,
    coding,
    concept,
)
from classifier.labels.answers import REFERRALS, describe_referral
from classifier.labels.diagnoses import NONE_WORDS
from classifier.labels.probability import describe_worth, list_worth
from classifier.standing.summary import WITHHOLDING

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Prediction
    from classifier.standing.summary import CaseSummary

PROBABILITY = ("malignancy-probability", "Calibrated probability that the lesion is malignant")
SYSTEMS = {"icd-10": ICD_10, "icd-11": ICD_11, "isic": ISIC_DIAGNOSIS}
POLICY_FIGURES = {"threshold": "threshold", "refer_low": "refer-low", "refer_high": "refer-high"}
# In the order of `WORTH_COLUMNS`.
WORTH_FIGURES = ("predictive-value", "predictive-value-low", "predictive-value-high", "prevalence")
WITHHELD = {
    Headline.HIDDEN: ("masked", "Shown after a dermatologist of your clinic has read the case."),
    Headline.CANCELLED: ("not-applicable", "The case was cancelled."),
}
NOT_YET = ("temp-unknown", "The model is still at work on this case.")


def build_observation(prediction: Prediction, summary: CaseSummary) -> JSON:
    """One prediction, as the summary of its case lets it be seen.

    Needs its image, submission, lesion and model version.
    """
    submission = prediction.image.submission
    reason = _find_absence(prediction, summary)
    return drop_empty(
        {
            "resourceType": "Observation",
            "id": str(prediction.pk),
            "basedOn": [refer_to("ServiceRequest", submission.pk)],
            "status": _find_status(prediction, summary),
            "category": [concept(coding(f"{HL7}/observation-category", "imaging", "Imaging"))],
            "code": concept(coding(FIGURE, *PROBABILITY)),
            "subject": refer_to("Patient", submission.lesion.patient_id),
            "focus": [refer_to("BodyStructure", submission.lesion_id)],
            "effectiveDateTime": instant(submission.submitted_at),
            "issued": prediction.finished_at and instant(prediction.finished_at),
            "valueQuantity": None if reason else _quantity(prediction.score),
            "dataAbsentReason": reason,
            "interpretation": _interpret(prediction, summary),
            "note": _explain(prediction, summary),
            "bodySite": site_of(submission.lesion),
            "device": refer_to("Device", prediction.model_version_id),
            "derivedFrom": [refer_to("Media", prediction.image_id)],
            "component": [] if reason else [*_list_figures(prediction), *_list_diagnoses(prediction)],
        }
    )


def is_withheld(prediction: Prediction, summary: CaseSummary) -> bool:
    """Whether there is an answer that this viewer doesn't get to see, or not yet."""
    return prediction.state == PredictionState.SUCCEEDED and summary.headline in WITHHOLDING


def _find_status(prediction: Prediction, summary: CaseSummary) -> str:
    if prediction.is_unfinished:
        return "registered"
    if prediction.state != PredictionState.SUCCEEDED or summary.headline == Headline.CANCELLED:
        return "cancelled"
    return "final" if summary.is_reviewed else "preliminary"


def _find_absence(prediction: Prediction, summary: CaseSummary) -> JSON | None:
    if prediction.is_unfinished:
        return _absent(*NOT_YET)
    if is_withheld(prediction, summary):
        return _absent(*WITHHELD.get(summary.headline, NOT_YET))
    if prediction.is_refused:
        return _absent("not-performed", "The image can't be judged.", prediction.refusal_code)
    if prediction.state == PredictionState.SUCCEEDED:
        far = prediction.is_far
        return _absent("unknown", REFERRALS[UNLIKE_TRAINING], UNLIKE_TRAINING) if far else None
    if prediction.state == PredictionState.CANCELLED:
        return _absent(*WITHHELD[Headline.CANCELLED])
    return _absent("error", prediction.error_message, prediction.error_code)


def _absent(code: str, text: str, own_code: str = "") -> JSON:
    own = [coding(ERROR, own_code)] if own_code else []
    return concept(coding(f"{HL7}/data-absent-reason", code), *own, text=text)


def _interpret(prediction: Prediction, summary: CaseSummary) -> list[JSON]:
    if not prediction.outcome or is_withheld(prediction, summary):
        return []
    return [coded(OUTCOME, ModelAnswer, prediction.outcome)]


def _explain(prediction: Prediction, summary: CaseSummary) -> list[JSON]:
    """Why the image was refused or referred, each reason with what to do, and what a figure is worth."""
    if not prediction.outcome or is_withheld(prediction, summary):
        return []
    if prediction.is_refused:
        return [{"text": refusal["message"]} for refusal in prediction.image.gate_refusals]
    texts = (describe_referral(prediction), describe_worth(prediction))
    return [{"text": text} for text in texts if text]


def _quantity(value: float | None) -> JSON:
    return {"value": value, "system": UCUM, "code": "1"}


def _list_figures(prediction: Prediction) -> list[JSON]:
    """The raw figure, the policy that made the outcome, and what the figure is worth, all as it was then."""
    policy = prediction.threshold_policy or {}
    figures = [("raw-probability", prediction.raw_score)]
    figures += [(code, policy[name]) for name, code in POLICY_FIGURES.items() if name in policy]
    worth = zip(WORTH_FIGURES, list_worth(prediction), strict=True)
    figures += [(code, value) for code, value in worth if value is not None]
    return [
        {"code": concept(coding(FIGURE, code)), "valueQuantity": _quantity(value)} for code, value in figures
    ]


def _list_diagnoses(prediction: Prediction) -> list[JSON]:
    """Every diagnosis that the network names, the most probable first, after whether none of them stands out."""
    could_be = prediction.could_be
    if could_be is None:
        return []
    none = concept(coding(MODEL_DIAGNOSIS, NONE_STANDS_OUT, NONE_WORDS))
    components: list[JSON] = [{"code": none, "valueBoolean": not could_be.stands_out}]
    for one in could_be.every:
        own = [coding(MODEL_DIAGNOSIS, one.key, one.words)] if one.key else []
        codes = one.label.codes if one.label else ()
        others = [coding(SYSTEMS[code.system], code.code, code.display) for code in codes]
        components.append(
            {
                "code": concept(*own, *others, text=one.words),
                "valueQuantity": _quantity(one.probability),
                "interpretation": [
                    coded(
                        OUTCOME,
                        ModelAnswer,
                        ModelAnswer.MALIGNANT if one.is_malignant else ModelAnswer.BENIGN,
                    )
                ],
            }
        )
    return components
