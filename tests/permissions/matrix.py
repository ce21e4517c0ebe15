"""Who may do what: one row a route and method, with data that succeeds for those who may.

A route without a row, a row without a route and an undeclared method each fail a test.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from classifier.domain.vocabulary import ORDERS
from tests.factories import PASSWORD
from tests.permissions import expectations as may
from tests.permissions.access_rows import ACCESS_ROWS
from tests.permissions.fhir_rows import FHIR
from tests.permissions.privacy_rows import PRIVACY, erasure
from tests.permissions.rows import (
    ACCESS,
    APPLICATION,
    COLLEAGUE,
    DELIVERY,
    DONE,
    FAILED,
    IMAGE,
    INVITATION,
    JUDGED,
    LESION,
    ON_TRIAL,
    OUTCOME,
    PATIENT,
    PREDICTION,
    REVIEW,
    REVIEWED,
    SERVICE,
    STAY,
    WEBHOOK,
    Row,
    pk,
    sent,
)
from tests.permissions.world import (
    World,
    authorization_request,
    consent,
    emergency_request,
    own_consent,
    own_token,
    picture,
    reset_key,
    service_token,
)
from tests.support.reading import seen

NEW_PASSWORD = "another-long-secret-phrase"


OWN_ADMINISTRATORS_TRIAL = may.PAGE_OF_ADMINISTRATORS | {"other.administrator": may.MISSING}


def own_clinic(**more: Any) -> Callable[[World, str], dict[str, Any]]:
    return lambda world, _: {"clinic": world.side.own.clinic.pk, **more}


def credentials(world: World, _: str) -> dict[str, Any]:
    email = world.side.own.clinician.email
    return {"login": email, "email": email, "password": PASSWORD}


def new_case(world: World, _: str) -> dict[str, Any]:
    return {
        "clinic": world.side.own.clinic.pk,
        "request_key": uuid.uuid4(),
        "patient": world.judged.lesion.patient_id,
        "lesion": world.judged.lesion_id,
        "capture_kind": "dermoscopic",
        "priority": "routine",
        "images": [picture()],
    }


def new_case_by_api(world: World, _: str) -> dict[str, Any]:
    return {"lesion": world.judged.lesion_id, "images": [picture()]}


def new_lesion(world: World, _: str) -> dict[str, Any]:
    return {"patient": world.judged.lesion.patient_id, "body_site": "unspecified"}


def new_review(world: World, _: str) -> dict[str, Any]:
    return {**DECISION, "submission": world.judged.pk}


def taken_back(world: World) -> dict[str, Any]:
    done = world.acknowledgement
    return {"pk": done.review.submission_id, "acknowledgement": done.pk}


def amended(*_: Any) -> dict[str, Any]:
    return {**DECISION, "amendment_reason": "Histology came back."}


def new_outcome(world: World, _: str) -> dict[str, Any]:
    return {**FINDING, "lesion": world.judged.lesion_id}


def correction(*_: Any) -> dict[str, Any]:
    return {**FINDING, "correction_reason": "Second opinion."}


def first_review(world: World, _: str) -> dict[str, Any]:
    return {**DECISION, **seen(world.judged)}


def amendment(world: World, _: str) -> dict[str, Any]:
    return {
        **DECISION,
        **seen(world.reviewed),
        "amends": world.review.pk,
        "amendment_reason": "Histology came back.",
    }


DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise", "comment": ""}
FINDING = {
    "diagnosis": "melanoma_in_situ",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
}
FACTS = {"birth_date": "1970-05-17", "sex": "female", "skin_type": "II", "consents_to_inference": "on"}
DEADLINES = {"reading_target_days": 3, **dict.fromkeys(ORDERS, 7)}
HOOK = {"url": "https://93.184.216.34/hooks", "events": ["review.signed"]}
PASSWORDS = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
NEW_TOKEN = {"name": "Ward tablet", "scopes": ["submissions:read"], "days": "30"}
NEW_APPLICATION = {
    "name": "Records",
    "kind": "website",
    "redirect_uris": "https://records.example/callback",
    "scopes": ["submissions:read"],
}

ACCOUNTS = [
    Row("account_login", "GET", may.EVERYBODY | dict.fromkeys(("nobody", "deactivated"), "200"), 302),
    Row("account_login", "POST", may.EVERYBODY, 302, data=credentials),
    Row("account_logout", "GET", may.EVERYBODY | dict.fromkeys(("nobody", "deactivated"), "302")),
    Row("account_logout", "POST", may.EVERYBODY, 302),
    Row("account_inactive", "GET", may.EVERYBODY),
    Row("account_change_password", "GET", may.ANYBODY_LOGGED_IN),
    Row("account_change_password", "POST", may.ANYBODY_LOGGED_IN, 302, data=sent(**PASSWORDS)),
    Row("account_reset_password", "GET", may.EVERYBODY),
    Row("account_reset_password", "POST", may.EVERYBODY, 302, data=sent(email="a@clinic.example")),
    Row("account_reset_password_done", "GET", may.EVERYBODY),
    Row("account_reset_password_from_key", "GET", may.EVERYBODY, 302, at=reset_key),
    Row("account_reset_password_from_key", "POST", may.EVERYBODY, 302, at=reset_key),
    Row("account_reset_password_from_key_done", "GET", may.EVERYBODY),
    Row("sessions", "GET", may.ANYBODY_LOGGED_IN),
    Row("session-end", "POST", may.ANYBODY_LOGGED_IN, 302),
    Row("session-status", "GET", may.EVERYBODY),
    Row("session-status", "POST", may.EVERYBODY),
    Row("session-back", "GET", may.ANYBODY_LOGGED_IN),
    Row("clinic-switch", "POST", may.OWN_MEMBERS_ONLY, 302, data=own_clinic()),
    Row("theme", "POST", may.EVERYBODY, 302, data=sent(theme="dark")),
    Row("invitation-open", "GET", may.EVERYBODY),
    Row("invitation-open", "POST", may.EVERYBODY, 302, data=lambda w, _: {"code": w.issued_invitation.code}),
    # Without a code that was opened before, it leads back to where one is asked for.
    Row("invitation-accept", "GET", may.EVERYBODY, 302),
    Row("invitation-accept", "POST", may.EVERYBODY, 302),
    Row("health-live", "GET", may.EVERYBODY),
    Row("health-ready", "GET", may.EVERYBODY),
    Row("status", "GET", may.OPERATOR_ONLY),
]

# allauth asks who made no log-in of a moment ago, as here, to confirm it: a redirect.
SECOND_FACTOR = [
    Row("account_reauthenticate", "GET", may.ANYBODY_LOGGED_IN),
    Row("account_reauthenticate", "POST", may.ANYBODY_LOGGED_IN, 302, data=sent(password=PASSWORD)),
    Row("mfa_index", "GET", may.ANYBODY_LOGGED_IN),
    *(Row("mfa_authenticate", method, may.EVERYBODY, 302) for method in ("GET", "POST")),
    *(Row("mfa_login_webauthn", method, may.EVERYBODY, 302) for method in ("GET", "POST")),
    *(
        Row(route, method, may.ANYBODY_LOGGED_IN, 302)
        for route in (
            *("mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_activate_totp"),
            *("mfa_generate_recovery_codes", "mfa_add_webauthn"),
        )
        for method in ("GET", "POST")
    ),
    *(Row("mfa_deactivate_totp", method, may.OF_NOBODY_HERE) for method in ("GET", "POST")),
    Row("mfa_view_recovery_codes", "GET", may.OF_NOBODY_HERE),
    Row("mfa_download_recovery_codes", "GET", may.OF_NOBODY_HERE),
    Row("mfa_list_webauthn", "GET", may.ANYBODY_LOGGED_IN),
    *(
        Row(route, method, may.ANYBODY_LOGGED_IN, 302, at=lambda _: {"pk": 1})
        for route in ("mfa_remove_webauthn", "mfa_edit_webauthn")
        for method in ("GET", "POST")
    ),
]

CLOSED = [
    *("account-closed", "account_signup", "account_email"),
    *("account_email_verification_sent", "account_set_password", "account_confirm_login_code"),
    "account_confirm_email",
    # Without a provider, as here, there is no single sign-on. With one: tests/portal/accounts/test_sso.
    *("sso-login", "sso-callback"),
]
"""Routes that the site doesn't offer: nothing is there, for anybody, by any method."""

PAGES = [
    Row("home", "GET", may.PAGE_OF_MEMBERS),
    Row("home-columns", "GET", may.PAGE_OF_MEMBERS),
    Row("patient-list", "GET", may.PAGE_OF_MEMBERS),
    Row("patient-list", "POST", may.PAGE_OF_MEMBERS, 302, data=sent(words="MRN")),
    Row("patient-detail", "GET", may.ROW_OF_MEMBERS, at=PATIENT),
    Row("patient-edit", "GET", may.ROW_OF_SUBMITTERS, at=PATIENT),
    Row("patient-edit", "POST", may.ROW_OF_SUBMITTERS, 302, at=PATIENT, data=sent(**FACTS)),
    Row("patient-privacy", "GET", may.ROW_OF_MEMBERS, at=PATIENT),
    Row("patient-consent", "POST", may.ROW_OF_SUBMITTERS, 302, at=PATIENT, data=sent(purpose="teaching")),
    Row("patient-hold", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=PATIENT, data=sent(hold="yes")),
    Row("patient-archive", "POST", may.ROW_OF_ADMINISTRATORS, at=PATIENT),
    Row("patient-erase", "GET", may.ROW_OF_ADMINISTRATORS, at=PATIENT),
    Row("patient-erase", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=PATIENT, data=erasure),
    Row("retention", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("lesion-detail", "GET", may.ROW_OF_MEMBERS, at=LESION),
    Row("outcome-new", "GET", may.ROW_OF_SUBMITTERS, at=LESION),
    Row("outcome-new", "POST", may.ROW_OF_SUBMITTERS, 302, at=LESION, data=sent(**FINDING)),
    Row("outcome-correct", "GET", may.ROW_OF_SUBMITTERS, at=OUTCOME),
    Row("outcome-correct", "POST", may.ROW_OF_SUBMITTERS, 302, at=OUTCOME, data=correction),
    Row("submission-new", "GET", may.PAGE_OF_SUBMITTERS),
    Row("submission-new", "POST", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, 302, data=new_case),
    Row(
        "submission-find-patient",
        "POST",
        may.ROW_OF_SUBMITTERS | may.NOT_OPENED,
        data=own_clinic(words="MRN"),
    ),
    Row("submission-draft", "POST", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, data=own_clinic()),
    Row("submission-lesions", "GET", may.ROW_OF_SUBMITTERS, at=PATIENT),
    Row(
        "submission-check-image",
        "POST",
        may.ROW_OF_SUBMITTERS | may.NOT_OPENED,
        data=lambda w, _: {"clinic": w.side.own.clinic.pk, "image": picture()},
    ),
    Row("submission-detail", "GET", may.ROW_OF_MEMBERS, at=JUDGED),
    Row("submission-status", "GET", may.ROW_OF_MEMBERS, at=JUDGED),
    Row("submission-report", "GET", may.ROW_OF_MEMBERS | may.READING_ONLY, at=JUDGED),
    Row("submission-cancel", "GET", may.ROW_OF_SUBMITTERS, at=JUDGED),
    # What is malignant needs a reader.
    Row("submission-cancel", "POST", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, 302, at=FAILED),
    Row("submission-order", "GET", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, at=REVIEWED),
    Row(
        "submission-order",
        "POST",
        may.ROW_OF_SUBMITTERS | may.NOT_OPENED,
        302,
        at=REVIEWED,
        data=sent(done="excised"),
    ),
    Row("submission-take-over", "POST", may.ROW_OF_SUBMITTERS, 302, at=JUDGED),
    Row("acknowledgement-take-back", "POST", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, 302, at=DONE),
    Row("submission-retry", "POST", may.ROW_OF_SUBMITTERS | may.NOT_OPENED, 302, at=FAILED),
    Row("image-derivative", "GET", may.ROW_OF_MEMBERS, at=IMAGE),
    Row("image-thumbnail", "GET", may.ROW_OF_MEMBERS, at=IMAGE),
    Row("image-dicom", "POST", may.ROW_OF_MEMBERS | may.READING_ONLY, at=IMAGE),
    Row("prediction-explanation", "GET", may.ROW_OF_MEMBERS, at=PREDICTION),
    Row("prediction-explanation", "POST", may.ROW_OF_MEMBERS | may.READING_ONLY, 302, at=PREDICTION),
    Row("explanation-overlay", "GET", may.ROW_OF_MEMBERS, at=PREDICTION),
    Row("image-outline", "GET", may.ROW_OF_MEMBERS, at=IMAGE),
    Row("image-outline", "POST", may.ROW_OF_MEMBERS | may.READING_ONLY, 302, at=IMAGE),
    Row("submission-list", "GET", may.PAGE_OF_MEMBERS),
    Row("submission-search", "POST", may.PAGE_OF_MEMBERS, 302, data=sent(word="MRN")),
    Row("submission-export", "POST", may.PAGE_OF_MEMBERS),
    Row("submission-review", "GET", may.ROW_OF_DERMATOLOGISTS, at=JUDGED),
    Row("submission-review", "POST", may.ROW_OF_DERMATOLOGISTS, 302, at=JUDGED, data=first_review),
    Row("submission-claim", "GET", may.ROW_OF_DERMATOLOGISTS, at=JUDGED),
    Row("submission-claim", "POST", may.ROW_OF_DERMATOLOGISTS, 302, at=JUDGED, data=sent(step="takeover")),
    Row("submission-amend", "GET", may.ROW_OF_DERMATOLOGISTS | may.NOT_OPENED, at=REVIEWED),
    Row(
        "submission-amend",
        "POST",
        may.ROW_OF_DERMATOLOGISTS | may.NOT_OPENED,
        302,
        at=REVIEWED,
        data=amendment,
    ),
    Row("emergency-open", "GET", may.PAGE_OF_CLINICIANS),
    Row("emergency-open", "POST", may.PAGE_OF_CLINICIANS, 302, data=emergency_request),
    Row("emergency-end", "POST", may.ROW_OF_READER, 302, at=ACCESS),
    Row("worklist", "GET", may.PAGE_OF_DERMATOLOGISTS),
    Row("dashboard", "GET", may.PAGE_OF_MEMBERS),
    Row("model-list", "GET", may.PAGE_OF_MEMBERS_AND_OPERATORS),
    Row("model-lifecycle", "GET", may.OPERATOR_ONLY, at=ON_TRIAL, data=sent(to="retired")),
    Row("model-lifecycle", "POST", may.OPERATOR_ONLY, 302, at=ON_TRIAL, data=sent(to="retired")),
    Row("model-trial", "GET", may.PAGE_OF_ADMINISTRATORS_AND_OPERATORS, at=ON_TRIAL),
    Row("model-trial-export", "POST", OWN_ADMINISTRATORS_TRIAL, at=ON_TRIAL),
]

SETTINGS = [
    Row("settings", "GET", may.PAGE_OF_MEMBERS),
    Row("settings-name", "POST", may.PAGE_OF_MEMBERS, 302, data=sent(full_name="Ada Invented")),
    Row("tokens", "GET", may.PAGE_OF_MEMBERS),
    Row("tokens", "POST", may.PAGE_OF_MEMBERS, data=sent(**NEW_TOKEN)),
    Row("token-revoke", "POST", may.PAGE_OF_MEMBERS, 302, data=own_token),
    Row(
        "application-withdraw",
        "POST",
        may.PAGE_OF_MEMBERS,
        302,
        at=APPLICATION,
        data=own_consent,
    ),
    Row("clinic-settings", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row(
        "clinic-settings",
        "POST",
        may.PAGE_OF_ADMINISTRATORS,
        302,
        data=sent(name="Clinic renamed", kind="dermatology"),
    ),
    Row("targets", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("targets", "POST", may.PAGE_OF_ADMINISTRATORS, 302, data=sent(**DEADLINES)),
    Row("people", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("invitations", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row(
        "invitations",
        "POST",
        may.PAGE_OF_ADMINISTRATORS,
        302,
        data=sent(email="new@clinic.example", role="clinician"),
    ),
    Row("invitation-resend", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=INVITATION),
    Row("invitation-withdraw", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=INVITATION),
    Row("person-role", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=COLLEAGUE, data=sent(role="dermatologist")),
    Row("person-active", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=COLLEAGUE, data=sent(active="no")),
    Row("person-leave", "GET", may.ROW_OF_ADMINISTRATORS, at=COLLEAGUE),
    Row("person-leave", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=COLLEAGUE),
    Row("person-end", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=STAY, data=sent(guest_until="2030-01-01")),
    Row("person-link", "POST", may.ROW_OF_ADMINISTRATORS, at=COLLEAGUE),
    Row("webhooks", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("webhooks", "POST", may.PAGE_OF_ADMINISTRATORS, data=sent(**HOOK)),
    Row("webhook-detail", "GET", may.ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("webhook-detail", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=WEBHOOK, data=sent(**HOOK)),
    Row("webhook-test", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=WEBHOOK),
    Row("webhook-rotate", "POST", may.ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("webhook-active", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=WEBHOOK, data=sent(active="no")),
    Row("webhook-remove", "GET", may.ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("webhook-remove", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=WEBHOOK),
    Row("webhook-redeliver", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=DELIVERY),
    Row("emergency-list", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("emergency-acknowledge", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=ACCESS),
    Row("person-factor-reset", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=COLLEAGUE),
    Row("services", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("services", "POST", may.PAGE_OF_ADMINISTRATORS, 302, data=sent(name="Ward system")),
    Row("service", "GET", may.ROW_OF_ADMINISTRATORS, at=SERVICE),
    Row("service", "POST", may.ROW_OF_ADMINISTRATORS, at=SERVICE, data=sent(**NEW_TOKEN)),
    Row("service-active", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=SERVICE, data=sent(active="no")),
    Row("service-token-revoke", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=SERVICE, data=service_token),
    Row("applications", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("applications", "POST", may.PAGE_OF_ADMINISTRATORS, data=sent(**NEW_APPLICATION)),
    Row("application", "GET", may.ROW_OF_ADMINISTRATORS, at=APPLICATION),
    Row("application-secret", "POST", may.ROW_OF_ADMINISTRATORS, at=APPLICATION),
    Row(
        "application-active",
        "POST",
        may.ROW_OF_ADMINISTRATORS,
        302,
        at=APPLICATION,
        data=sent(active="no"),
    ),
    Row("audit-log", "GET", may.PAGE_OF_ADMINISTRATORS),
    Row("audit-export", "POST", may.PAGE_OF_ADMINISTRATORS),
]

OAUTH = [
    Row("oauth-authorize", "GET", may.COLLEAGUES_WITH_PAGES, data=authorization_request),
    Row("oauth-authorize", "POST", may.COLLEAGUES_WITH_PAGES, 302, data=consent),
    # A client proves itself; who is logged in beside it doesn't matter.
    Row("oauth-token", "POST", may.EVERYBODY, 400),
    Row("oauth-revoke", "POST", may.EVERYBODY, 400),
    Row("oauth-metadata", "GET", may.EVERYBODY),
]

API = [
    Row("api-token", "POST", may.EVERYBODY, data=credentials),
    Row("api-token", "DELETE", may.API_PERSON, 204),
    Row("api-me", "GET", may.API_PERSON),
    Row("api-submissions", "GET", may.API_MEMBERS),
    Row("api-submissions", "POST", may.API_SUBMITTERS_OWN_CLINIC, 202, data=new_case_by_api),
    Row("api-submission", "GET", may.API_ROW, at=JUDGED),
    Row("api-submission-status", "GET", may.API_ROW, at=JUDGED),
    Row("api-submission-report", "GET", may.API_ROW, at=JUDGED),
    Row("api-submission-cancel", "POST", may.API_ROW_OF_SUBMITTERS, at=FAILED),
    Row("api-submission-claim", "POST", may.API_ROW_OF_DERMATOLOGISTS_FIRST, at=JUDGED),
    Row("api-submission-claim", "DELETE", may.API_ROW_OF_DERMATOLOGISTS_FIRST, 204, at=JUDGED),
    Row(
        "api-submission-acknowledgements",
        "POST",
        may.API_ROW_OF_SUBMITTERS,
        at=REVIEWED,
        data=sent(done="excised"),
    ),
    Row("api-submission-acknowledgement", "DELETE", may.API_ROW_OF_SUBMITTERS, at=taken_back),
    Row("api-image-derivative", "GET", may.API_ROW, at=IMAGE),
    Row("api-image-dicom", "GET", may.API_ROW_OF_EXPORTERS, at=IMAGE),
    Row("api-image-outline", "GET", may.API_ROW, at=IMAGE),
    Row("api-image-outline", "POST", may.API_ROW, at=IMAGE),
    Row("api-patients", "GET", may.API_MEMBERS),
    Row("api-patients", "POST", may.API_SUBMITTERS_OWN_CLINIC, 201, data=own_clinic(mrn="MRN-NEW")),
    Row("api-patient", "GET", may.API_ROW, at=PATIENT),
    Row("api-patient", "PATCH", may.API_ROW_OF_SUBMITTERS_FIRST, at=PATIENT, data=sent(sex="male")),
    Row("api-lesions", "GET", may.API_MEMBERS),
    Row("api-lesions", "POST", may.API_SUBMITTERS_OWN_CLINIC, 201, data=new_lesion),
    Row("api-lesion", "GET", may.API_ROW, at=LESION),
    Row("api-lesion", "PATCH", may.API_ROW_OF_SUBMITTERS_FIRST, at=LESION, data=sent(note="By the scar")),
    Row("api-predictions", "GET", may.API_MEMBERS),
    Row("api-prediction", "GET", may.API_ROW, at=PREDICTION),
    Row("api-reviews", "GET", may.API_MEMBERS),
    Row("api-reviews", "POST", may.API_DERMATOLOGISTS_OWN_CLINIC, 201, data=new_review),
    Row("api-review", "GET", may.API_ROW, at=REVIEW),
    Row("api-review-amend", "POST", may.API_ROW_OF_DERMATOLOGISTS_FIRST, 201, at=REVIEW, data=amended),
    Row("api-outcomes", "GET", may.API_MEMBERS),
    Row("api-outcomes", "POST", may.API_SUBMITTERS_OWN_CLINIC, 201, data=new_outcome),
    Row("api-outcome", "GET", may.API_ROW, at=OUTCOME),
    Row("api-outcome-correct", "POST", may.API_ROW_OF_SUBMITTERS_FIRST, 201, at=OUTCOME, data=correction),
    Row("api-clinics", "GET", may.API_PERSON),
    Row("api-clinic", "GET", may.API_ROW_TO_ANYBODY, at=pk(lambda w: w.side.own.clinic)),
    Row("api-model-versions", "GET", may.API_PERSON),
    Row("api-webhooks", "GET", may.API_ADMINISTRATORS),
    Row("api-webhooks", "POST", may.API_ADMINISTRATORS, 201, data=sent(**HOOK)),
    Row("api-webhook", "GET", may.API_ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("api-webhook", "PATCH", may.API_ROW_OF_ADMINISTRATORS, at=WEBHOOK, data=sent(**HOOK)),
    Row("api-webhook", "DELETE", may.API_ROW_OF_ADMINISTRATORS, 204, at=WEBHOOK),
    Row("api-webhook-secret", "POST", may.API_ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("api-webhook-test", "POST", may.API_ROW_OF_ADMINISTRATORS, 202, at=WEBHOOK),
    Row("api-webhook-deliveries", "GET", may.API_ROW_OF_ADMINISTRATORS, at=WEBHOOK),
    Row("api-webhook-redeliver", "POST", may.API_ROW_OF_ADMINISTRATORS, 202, at=DELIVERY),
    Row("api-model-version", "GET", may.API_PERSON, at=lambda w: {"version": w.model.pk}),
    Row("api-schema", "GET", may.EVERYBODY),
    Row("api-docs", "GET", may.EVERYBODY),
    Row("api-errors", "GET", may.EVERYBODY),
]

MATRIX = [*ACCOUNTS, *SECOND_FACTOR, *PAGES, *SETTINGS, *ACCESS_ROWS, *OAUTH, *API, *PRIVACY, *FHIR]
