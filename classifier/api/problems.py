"""Error codes: all that the API can answer with, title and what to do: a promise to programs.

A test reads the services and fails for a code that is missing here. The page /api/v1/errors/ and the
schema are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from classifier.models.submission import QUESTION_TEXTS

PAGE = "/api/v1/errors/"
INVALID_INPUT = "invalid_input"


@dataclass(frozen=True)
class Problem:
    code: str
    status: int
    title: str
    advice: str

    @property
    def type(self) -> str:
        """A URI reference that stays: the row of the page that explains the code."""
        return f"{PAGE}#{self.code}"


def _rows(status: int, rows: list[tuple[str, str, str]]) -> list[Problem]:
    return [Problem(code, status, title, advice) for code, title, advice in rows]


PROBLEMS: dict[str, Problem] = {
    problem.code: problem
    for problem in [
        *_rows(
            400,
            [
                (INVALID_INPUT, "Invalid input", "Each entry of fields names what is wrong. Correct it."),
                ("parse_error", "Malformed request", "The body is not the JSON or form that it says it is."),
                ("too_many_files", "Too many files", "Send fewer files in one request."),
                ("no_images", "No images", "Add at least one image."),
                ("invalid_credentials", "Wrong credentials", "Check the e-mail address and the password."),
                ("unreadable_condition", "Unreadable If-Match", "Send the ETag as you received it."),
                ("invalid_cursor", "Unknown page", "Follow next and previous as they were sent."),
            ],
        ),
        *_rows(
            401,
            [
                ("not_authenticated", "Nobody is logged in", "Send a token as Authorization: Bearer."),
                ("authentication_failed", "The token is not valid", "It ended or was revoked. Make another."),
            ],
        ),
        *_rows(
            403,
            [
                ("permission_denied", "Not allowed", "Your role in this clinic doesn't allow this."),
                ("scope_missing", "The token lacks a scope", "Make a token that has the scope in detail."),
                ("tokens_not_taken", "No tokens here", "Use it in the browser, logged in."),
                (
                    "confirmation_required",
                    "Confirm that it is you",
                    "Do so at the address in detail, then repeat.",
                ),
                ("mfa_required", "Second factor needed", "Set one up on the page: your role needs it."),
                ("password_login_off", "No tokens by password", "Make one on the page API tokens."),
            ],
        ),
        *_rows(
            404,
            [
                ("not_found", "Not found", "There is no such thing, or none that you may see."),
            ],
        ),
        *_rows(
            405,
            [
                ("method_not_allowed", "Method not allowed", "The schema lists the methods of each address."),
            ],
        ),
        *_rows(
            406,
            [
                ("not_acceptable", "Not acceptable", "Accept application/json."),
            ],
        ),
        *_rows(
            409,
            [
                ("conflict", "Conflict", "Read the object again."),
                ("already_amended", "Amended already", "Read the newest review, then amend that one."),
                ("already_cancelled", "Cancelled already", "Nothing is left to do."),
                ("claimed_by_other", "Somebody is reading it", "Wait, or claim it with takeover."),
                ("needs_reader", "A reader is needed", "Have a dermatologist sign it instead."),
                ("no_open_order", "Nothing is ordered", "Read the case: its order says what is asked for."),
                ("already_acknowledged", "Acknowledged before", "Take that back first to change it."),
                (
                    "already_taken_back",
                    "Taken back before",
                    "The order is open again. Nothing is left to do.",
                ),
                ("already_corrected", "Corrected already", "Read the newest outcome, then correct that one."),
                ("already_erased", "Erased already", "Nothing is left to do."),
                ("already_reviewed", "Signed already", "Read the review; to change it, sign an amendment."),
                ("cancelled", "The case was withdrawn", "Submit it again."),
                ("in_work", "Still in work", "Wait until it is done."),
                ("not_dermoscopic", "Not a dermoscopic picture", "Only dermoscopic pictures are outlined."),
                ("image_refused", "The picture was refused", "Take another one: this one can't be judged."),
                (
                    "no_outline_network",
                    "No network that outlines",
                    "Ask your operator to register one: manage.py register_models.",
                ),
                ("legal_hold", "On legal hold", "An administrator lifts the hold on the page, or it stays."),
                ("mrn_taken", "MRN taken", "A patient of the clinic has it. Use that patient."),
                (
                    "consent_withdrawn",
                    "Consent withdrawn",
                    "The patient doesn't want it. Nothing can be done.",
                ),
                ("patient_erased", "The patient was erased", "Nothing of this patient can be read or added."),
                ("nothing_to_retry", "Nothing to retry", "Every image has a result or is in work."),
                ("report_unfinished", "Nothing to report yet", "Wait until the case is finished."),
                ("still_in_work", "The model is still at work", "Wait until the case is finished."),
                ("request_in_progress", "Still running", "Your first request with this key is not done."),
                ("answer_lost", "The first answer is lost", "The request was done. Read what it made."),
                ("disabled", "The webhook is off", "Switch it on, then try again."),
                ("removed", "The webhook was removed", "Add another one."),
                ("too_many_webhooks", "Too many webhooks", "Remove one that is not needed."),
            ],
        ),
        *_rows(
            411,
            [
                ("length_required", "Length required", "Send the body with Content-Length, not chunked."),
            ],
        ),
        *_rows(
            412,
            [
                ("changed_meanwhile", "Changed meanwhile", "Read it again, then repeat with its new ETag."),
            ],
        ),
        *_rows(
            413,
            [
                ("request_too_large", "Request too large", "Send fewer or shorter fields."),
            ],
        ),
        *_rows(
            415,
            [
                ("unsupported_media_type", "Unsupported media type", "The schema lists what can be sent."),
            ],
        ),
        *_rows(
            422,
            [
                ("idempotency_key_reused", "Key used for something else", "Take a new Idempotency-Key."),
            ],
        ),
        *_rows(
            429,
            [
                ("throttled", "Too often", "Wait as long as Retry-After says."),
                ("too_many_active", "Too much at work", "Wait until some of your images are judged."),
            ],
        ),
        *_rows(
            500,
            [
                ("error", "Our mistake", "It was reported. Try again; if it stays, tell your operator."),
            ],
        ),
        *_rows(
            503,
            [
                ("unavailable", "Unavailable", "Nothing was changed. Try again after Retry-After."),
                ("no_active_model", "No model is active", "Ask your operator to activate one."),
                ("storage_unavailable", "The image store is away", "Nothing was saved. Try again later."),
                ("image_unavailable", "The image can't be read", "Try again later."),
            ],
        ),
    ]
}


def find_problem(code: str, status: int) -> Problem:
    """The row of `code`; a code that nobody described goes by its status."""
    known = PROBLEMS.get(code)
    if known is not None and known.status == status:
        return known
    return Problem(code, status, HTTPStatus(status).phrase, known.advice if known else "")


# --- Codes of `fields` entries ------------------------------------------------------------------


FIELD_CODES: dict[str, str] = {
    # Of every field.
    "required": "Give this field.",
    "null": "This field can't be null.",
    "blank": "This field can't be empty.",
    "empty": "Send at least one entry.",
    "invalid": "This is not of the type that the schema names.",
    "invalid_choice": "Choose one of the values that the schema lists.",
    "does_not_exist": "There is no such row, or none that you may see.",
    "incorrect_type": "Send the id as text.",
    "not_a_list": "Send a list.",
    "not_a_dict": "Send an object.",
    "max_length": "The text is longer than the schema allows.",
    "min_value": "The number is below the limit.",
    "max_value": "The number is above the limit.",
    "max_string_length": "The number has too many digits.",
    "max_digits": "The number has too many digits.",
    "max_decimal_places": "The number has too many decimal places.",
    "max_whole_digits": "The number has too many digits.",
    "datetime": "Send a date without a time.",
    "date": "Send a date with a time.",
    "null_characters_not_allowed": "Leave out the NUL character.",
    "surrogate_characters_not_allowed": "The text holds half a character (a lone surrogate).",
    "unknown_field": "This can't be changed here, or doesn't exist.",
    "unknown_parameter": "This list has no such parameter.",
    "unknown_ordering": "Order by one of the names that the schema lists.",
    "unknown_expansion": "Expand one of the names that the schema lists.",
    "page_size_out_of_range": "Ask for a page of 1 to 100 rows.",
    "wait_out_of_range": "Wait 0 to 30 seconds.",
    # Patients.
    "mrn_missing": "Give the medical record number.",
    "mrn_taken": "A patient of the clinic has this MRN. Use that patient.",
    "mrn_mismatch": "The patient has another record number. Check both.",
    "birth_date_impossible": "It lies in the future, or too far back.",
    "birth_date_mismatch": "The known patient has another birth date. Check both.",
    "sex_unknown": "Choose one of the values that the schema lists.",
    "sex_mismatch": "The known patient has another sex. Check both, or correct the patient first.",
    "skin_type_unknown": "Choose one of the values that the schema lists.",
    "skin_type_mismatch": "The known patient has another skin type. Leave it out, or correct the patient first.",
    "consent_missing": "Send consents_to_inference, or record the patient's consent first.",
    "consent_mismatch": "The patient said otherwise before. Record the new answer with the patient.",
    "purpose_unknown": "Choose one of the values that the schema lists.",
    "reason_unknown": "Choose one of the values that the schema lists.",
    "public_id_mismatch": "Give the public id of the patient whom the address names.",
    # Lesions.
    "body_site_unknown": "Choose an ISIC body site code.",
    "laterality_unknown": "Choose one of the values that the schema lists.",
    "body_site_mismatch": "The known lesion has another body site. Check both, or correct the lesion first.",
    "laterality_mismatch": "The known lesion is on another side. Check both, or correct the lesion first.",
    "note_mismatch": "The known lesion has another note. Leave it out, or correct the lesion first.",
    "lesion_mismatch": "The lesion belongs to another patient.",
    "lesion_of_another_patient": "The lesion belongs to another patient.",
    # Submissions.
    "clinic_missing": "You belong to more than one clinic: name one.",
    "clinic_mismatch": "The patient belongs to another clinic.",
    "no_images": "Add at least one image.",
    "too_many_images": "Send fewer images in one submission.",
    "kinds_mismatch": "Send one for each image, in their order, or none.",
    "capture_kind_unknown": "Choose one of the values that the schema lists.",
    "dermoscopic_type_unknown": "Choose one of the values that the schema lists.",
    "type_of_other_kind": "Only a dermoscopic picture has a dermoscopic type. Leave it out.",
    "done_unknown": "Choose one of the values that the schema lists.",
    "note_missing": "Say in the note what was done.",
    "date_before_signature": "The day lies before the order was signed.",
    "withdrawal_reason_too_long": "Shorten it.",
    "priority_unknown": "Choose one of the values that the schema lists.",
    "idempotency_key_length": "A key has 1 to 128 characters.",
    # Images.
    "base64_invalid": "The text is not base64.",
    "empty_file": "The file holds nothing.",
    "file_too_large": "Send a smaller copy.",
    "unsupported_format": "Send one of the accepted formats.",
    "mixed_content": "The file holds more than an image. Export it anew.",
    "animated": "Send one picture, not an animation.",
    "too_many_pixels": "Send a smaller copy.",
    "too_long": "One side is too long. Send a smaller copy.",
    "too_small": "Move closer and take the photo again.",
    "truncated": "The file ends too early. Send it again.",
    "corrupt": "The file can't be decoded. Export it anew.",
    # Reviews and outcomes.
    "diagnosis_unknown": "Choose one of the values that the schema lists.",
    "agreement_unknown": "Choose one of the values that the schema lists.",
    "management_unknown": "Choose one of the values that the schema lists.",
    "histopathology_unknown": "Choose one of the values that the schema lists.",
    "procedure_unknown": "Choose one of the values that the schema lists.",
    "date_in_future": "The date lies in the future.",
    "reported_before_specimen": "The report is dated before the specimen was taken.",
    "breslow_not_apt": "Leave it out: it is given for invasive melanoma alone.",
    "breslow_impossible": "Check the figure: it is in millimetres.",
    "reason_missing": "Say why.",
    # Webhooks.
    "events_missing": "Choose at least one event.",
    "event_unknown": "Choose events that the schema lists.",
    "address_invalid": "Give a whole web address.",
    "address_with_log_in": "Leave name and password out of the address.",
    "https_needed": "Give an address that begins with https.",
    "name_not_found": "The host's name leads nowhere. Check it.",
    # DICOM.
    "naming_unknown": "Ask for pseudonymous or identified.",
    "record_number_unfit": "DICOM can't hold this record number. Export under the pseudonym.",
    "burned_in": "Words are burned into the picture. Send one without.",
    # Text that outgrows its field is named after it.
    "mrn_too_long": "Shorten it.",
    "note_too_long": "Shorten it.",
    **{f"{name}_too_long": "Shorten it." for name in QUESTION_TEXTS},
    "comment_too_long": "Shorten it.",
    "correction_reason_too_long": "Shorten it.",
    "amendment_reason_too_long": "Shorten it.",
}
