"""axe finds nothing, and nothing scrolls sideways, on every page at two widths and themes."""

import uuid
from typing import Any

import pytest

from classifier.pages.settings import GROUPS
from tests.browser.conftest import DESK, PHONE
from tests.support.visiting import list_violations, scrolls_sideways

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
    *("/settings/", "/settings/interfaces/fhir/", "/api/v1/errors/"),
    *("/accounts/sessions/", "/settings/emergencies/"),
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


COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
THEMES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": COLOURS}}
"""A theme changes colours and nothing else, so that the second is asked for those."""


def list_faults(page, addresses):
    """Each page is opened once, and then made narrow and wide, light and dark."""
    faults = []
    for address in addresses:
        page.goto(address)
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            for theme, rules in THEMES.items():
                page.emulate_media(color_scheme=theme)
                found = list_violations(page, **rules)
                faults += [(address, size["width"], theme, *violation) for violation in found]
            if scrolls_sideways(page):
                faults.append((address, size["width"], "scrolls sideways"))
    return faults


def test_every_page_is_clean(open_as, case, trial):
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
        "administrator": [
            *ADMINISTRATOR_PAGES,
            *(page.address for group in GROUPS for page in group.pages),
            *("/models/", f"/models/{trial}/trial/"),
        ],
    }
    faults = [
        (role, *fault)
        for role, addresses in visits.items()
        for fault in list_faults(open_as(role), dict.fromkeys(addresses))
    ]
    assert faults == []


def test_menu_of_the_settings_stands_where_there_is_room(open_as):
    page = open_as("administrator")
    page.goto("/settings/people/")
    menu = page.get_by_role("navigation", name="Settings")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert menu.is_visible() is (size == DESK)
