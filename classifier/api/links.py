"""OpenAPI links: what an answer leads to, so that a program finds its way from the schema alone.

By operation, what can be asked next with an id that its answer holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ID = "/id"
FIRST = "/results/0/id"


@dataclass(frozen=True)
class Link:
    """To `operation`, with the id at `key` of the answer: in its address, or in a field of its body."""

    operation: str
    words: str
    key: str = ID
    field: str = ""

    def describe(self) -> dict[str, Any]:
        value = f"$response.body#{self.key}"
        where = {"requestBody": {self.field: value}} if self.field else {"parameters": {"id": value}}
        return {"operationId": self.operation, "description": self.words, **where}


READ_PATIENT = Link("patients_read", "The patient as it stands, with its ETag.")
READ_LESION = Link("lesions_read", "The lesion as it stands, with its ETag.")
READ_CASE = Link("submissions_read", "The case and all results.")
READ_REVIEW = Link("reviews_read", "The review as it was signed.")
READ_OUTCOME = Link("outcomes_read", "The outcome as it was recorded.")
READ_WEBHOOK = Link("webhooks_read", "The webhook as it stands.")
AMEND = Link("reviews_amend", "Sign another decision in its place.")
CORRECT = Link("outcomes_correct", "Record another finding in its place.")
CANCEL = Link("submissions_cancel", "Withdraw the case while nobody has signed it.")
CLAIM = Link("submissions_claim", "Say that you read it now.")
ACKNOWLEDGE = Link("submissions_acknowledge", "Say what was done about its order.")
SIGN = Link("reviews_sign", "Sign the case.", field="submission")
ABOUT_PATIENT = (
    Link("patients_change", "Correct the patient."),
    Link("patients_consents", "What the patient agrees to."),
    Link("patients_consent", "Record a consent or its withdrawal."),
    Link("lesions_create", "Add a lesion of the patient.", field="patient"),
)
ABOUT_LESION = (
    Link("lesions_change", "Correct the lesion."),
    Link("submissions_create", "Submit images of the lesion.", field="lesion"),
    Link("outcomes_create", "Record histopathology of the lesion.", field="lesion"),
)
REPORT = Link("submissions_report", "The case's report as a PDF, once it is finished.")
ABOUT_CASE = (
    Link("submissions_status", "Whether it is finished; cheap to ask often."),
    REPORT,
    CANCEL,
    SIGN,
    ACKNOWLEDGE,
    CLAIM,
)
ABOUT_WEBHOOK = (
    Link("webhooks_update", "Change it, or switch it off or on."),
    Link("webhooks_test", "Send a test delivery, which tells of nothing."),
    Link("webhooks_rotate_secret", "Make a new secret."),
    Link("webhooks_deliveries_list", "What was sent."),
    Link("webhooks_delete", "Remove it."),
)

LINKS: dict[str, tuple[Link, ...]] = {
    "patients_list": (Link("patients_read", "The first patient of the page.", FIRST),),
    "patients_create": (READ_PATIENT, *ABOUT_PATIENT),
    "patients_read": (*ABOUT_PATIENT, Link("patients_archive", "All data of the patient.")),
    "lesions_list": (Link("lesions_read", "The first lesion of the page.", FIRST),),
    "lesions_create": (READ_LESION, *ABOUT_LESION),
    "lesions_read": (*ABOUT_LESION, Link("patients_read", "Whose lesion it is.", "/patient")),
    "submissions_list": (Link("submissions_read", "The first case of the page.", FIRST),),
    "submissions_create": (READ_CASE, *ABOUT_CASE),
    "submissions_read": (
        *ABOUT_CASE,
        Link("patients_read", "Whose case it is.", "/patient/id"),
        Link("lesions_read", "Which lesion it is about.", "/lesion/id"),
        Link("images_derivative", "The first image.", "/images/0/id"),
        Link("images_dicom", "The first image as DICOM.", "/images/0/id"),
        Link("predictions_read", "What the model says of it.", "/images/0/predictions/0/id"),
        Link("outcomes_create", "Record histopathology of its lesion.", "/lesion/id", "lesion"),
    ),
    "predictions_list": (Link("predictions_read", "The first answer of the page.", FIRST),),
    "reviews_list": (Link("reviews_read", "The first review of the page.", FIRST),),
    "reviews_sign": (READ_REVIEW, AMEND),
    "reviews_read": (AMEND, Link("submissions_read", "The case that was signed.", "/submission")),
    "reviews_amend": (READ_REVIEW, AMEND),
    "outcomes_list": (Link("outcomes_read", "The first outcome of the page.", FIRST),),
    "outcomes_create": (READ_OUTCOME, CORRECT),
    "outcomes_read": (CORRECT, Link("lesions_read", "Which lesion it is about.", "/lesion")),
    "outcomes_correct": (READ_OUTCOME, CORRECT),
    "webhooks_list": (Link("webhooks_read", "The first webhook of the page.", FIRST),),
    "webhooks_create": (READ_WEBHOOK, *ABOUT_WEBHOOK),
    "webhooks_read": ABOUT_WEBHOOK,
    "webhooks_deliveries_list": (Link("webhook_deliveries_redeliver", "Send the first once more.", FIRST),),
    "clinics_list": (Link("clinics_read", "The first clinic of the page.", FIRST),),
}


def add_links(operation: str, bodies: dict[str, Any]) -> None:
    """Hang the links of `operation` at its answer of success."""
    links = LINKS.get(operation, ())
    success = next((code for code in bodies if code.startswith("2")), None)
    if links and success:
        bodies[success]["links"] = {link.operation: link.describe() for link in links}
