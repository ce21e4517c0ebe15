"""What a token must hold for each operation: said a second time here, so that a slip in a view is seen."""

from __future__ import annotations

from portal.trust.accounts.tokens.scopes import SCOPES
from tests.permissions.rows import Row

NONE, ANY = "none", "any"
"""Open to everybody; open to every token that holds."""

RESOURCES: dict[str, list[str]] = {
    "clinics": ["api-clinics", "api-clinic"],
    "patients": ["api-patients", "api-patient", "api-lesions", "api-lesion"],
    "consents": ["api-patient-consents"],
    "submissions": [
        *("api-submissions", "api-submission", "api-submission-status", "api-submission-cancel"),
        *("api-submission-acknowledgements", "api-submission-acknowledgement"),
        *("api-image-derivative", "api-image-dicom", "api-image-outline", "api-submission-report"),
    ],
    "predictions": ["api-predictions", "api-prediction"],
    "reviews": ["api-reviews", "api-review", "api-review-amend", "api-submission-claim"],
    "outcomes": ["api-outcomes", "api-outcome", "api-outcome-correct"],
    "models": ["api-model-versions", "api-model-version"],
    "webhooks": [
        *("api-webhooks", "api-webhook", "api-webhook-secret", "api-webhook-test"),
        *("api-webhook-deliveries", "api-webhook-redeliver"),
    ],
}
SPECIAL = {"GET api-patient-archive": "patients:export", "POST api-patient-erase": "patients:erase"}
TAKES_ANY = {"DELETE api-token", "GET api-me"}
TAKES_NONE = {
    *("POST api-token", "GET api-schema", "GET api-docs", "GET api-errors"),
    *("GET fhir-metadata", "GET fhir-code-system", "GET fhir-code-system-search"),
}
OF_ROUTE = {route: resource for resource, routes in RESOURCES.items() for route in routes}


def scope_asked(row: Row) -> str:
    """The scope that `row` needs, or NONE, or ANY."""
    if str(row) in TAKES_NONE:
        return NONE
    if str(row) in TAKES_ANY:
        return ANY
    if str(row) in SPECIAL:
        return SPECIAL[str(row)]
    is_read = row.method == "GET" or row.route.endswith("-post-search")
    resource = "fhir" if row.route.startswith("fhir-") else OF_ROUTE[row.route]
    scope = f"{resource}:{'read' if is_read else 'write'}"
    assert scope in SCOPES, f"{row} asks for {scope}, which there is not"
    return scope
