"""axe finds nothing, and nothing scrolls sideways, on every page at two widths and themes."""

import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESK, PHONE

CLINICIAN_PAGES = [
    "/",
    "/patients/",
    "/submissions/",
    "/submissions/new/",
    "/dashboard/",
    "/settings/",
    "/settings/you/",
    "/settings/interfaces/",
    "/settings/interfaces/fhir/",
    "/models/",
    "/emergency/",
]
DERMATOLOGIST_PAGES = ["/", "/worklist/"]
ADMINISTRATOR_PAGES = [
    *(
        "/settings/",
        "/accounts/sessions/",
        "/accounts/2fa/",
        "/settings/retention/",
        "/settings/people/",
        "/settings/invitations/",
        "/settings/emergencies/",
    ),
    *("/settings/webhooks/", "/settings/audit/"),
    *("/settings/tokens/", "/settings/services/", "/settings/applications/"),
]


@pytest.fixture(scope="module")
def case(portal):
    """Find the id of a row to look at."""
    # SQLite keeps an id as 32 digits, PostgreSQL as a UUID; addresses take the dashes.
    return lambda sql: uuid.UUID(str(portal.query(sql)[0][0]))


# A version that said "refer" of everything on trial; retired, so that no worker looks for its file.
MAKE_TRIAL = """
import uuid
from classifier.models import ModelVersion, Prediction
active = ModelVersion.objects.active().get()
facts = {"file": "trial.h5", "sha256": "a" * 64, "specification": active.specification, "lifecycle": "retired"}
trial, made = ModelVersion.objects.get_or_create(name="trial", version="1", defaults=facts)
for row in Prediction.objects.served().judged() if made else []:
    row.pk, row.model_version, row.is_shadow, row.outcome = uuid.uuid4(), trial, True, "refer"
    row.save(force_insert=True)
"""


@pytest.fixture(scope="module")
def trial(portal, case):
    portal.manage("shell", "--no-imports", "-c", MAKE_TRIAL)
    return case("SELECT id FROM classifier_modelversion WHERE name = 'trial'")


ALL_RULES = {"resultTypes": ["violations"]}
COLOURS = {**ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
THEMES = {"light": ALL_RULES, "dark": COLOURS}
"""A theme changes colours and nothing else, so that the second is asked for those."""


def list_faults(page, addresses):
    faults = []
    for address in addresses:
        page.goto(address)
        for theme, rules in THEMES.items():
            page.emulate_media(color_scheme=theme)
            violations = Axe().run(page, options=rules).response["violations"]
            faults += [(address, theme, v["id"], [n["html"][:160] for n in v["nodes"]]) for v in violations]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append((address, "scrolls sideways"))
    return faults


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["375", "1280"])
def test_every_page_is_clean(open_as, case, trial, viewport):
    submission = case(
        "SELECT id FROM classifier_submission WHERE source = 'demo' ORDER BY submitted_at LIMIT 1"
    )
    waiting = case(
        "SELECT s.id FROM classifier_submission s JOIN accounts_clinic c ON c.id = s.clinic_id "
        "WHERE c.name = 'Harbour Skin Clinic' AND s.source = 'demo' AND NOT EXISTS "
        "(SELECT 1 FROM classifier_review r WHERE r.submission_id = s.id) LIMIT 1"
    )
    patient = case(
        "SELECT p.id FROM classifier_patient p JOIN accounts_clinic c ON c.id = p.clinic_id "
        "WHERE c.name = 'Harbour Skin Clinic' LIMIT 1"
    )
    lesion = case(
        "SELECT l.id FROM classifier_lesion l JOIN classifier_patient p ON p.id = l.patient_id "
        "JOIN accounts_clinic c ON c.id = p.clinic_id WHERE c.name = 'Harbour Skin Clinic' LIMIT 1"
    )
    visits = {
        "clinician": [
            *CLINICIAN_PAGES,
            f"/submissions/{submission}/",
            f"/patients/{patient}/",
            f"/lesions/{lesion}/",
        ],
        "dermatologist": [*DERMATOLOGIST_PAGES, f"/submissions/{waiting}/review/"],
        "administrator": [*ADMINISTRATOR_PAGES, "/models/", f"/models/{trial}/trial/"],
    }
    faults = [
        (role, *fault)
        for role, addresses in visits.items()
        for fault in list_faults(open_as(role, viewport), addresses)
    ]
    assert faults == []
