"""A second, independent opinion on every resource: npm's `fhir`, with R4's own definitions.

fhir.resources knows R4B; this knows R4, which is what the server says that it speaks.
"""

import json
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone

from classifier.fhir.resources import KINDS
from classifier.fhir.terminology import SYSTEMS
from classifier.models import Review
from tests.classifier.fhir import orders
from tests.classifier.fhir.conftest import FHIR_JSON, ROOT
from tests.factories import (
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
    stored_diagnoses,
)

PROJECT = Path(__file__).resolve().parents[3]
CHECK = Path(__file__).with_name("structure.cjs")
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def package() -> str:
    done = subprocess.run(
        [PROJECT / "deploy" / "fhir-structure"], capture_output=True, text=True, check=False, timeout=100
    )
    if done.returncode:
        pytest.skip(f"npm's fhir can't be had here: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


def find_faults(package: str, resources: list[dict]) -> list[str]:
    done = subprocess.run(
        ["node", CHECK, package],
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@restated_together()
def build_cases(side) -> None:
    """A case in every state that changes a resource's shape."""
    answered_submission(side.own, "malignant", clinical_history="Grew.")
    answered_submission(side.own, cancelled_at=timezone.now(), cancelled_by=side.own.clinician)
    signed = ReviewFactory(submission=answered_submission(side.own), diagnosis="melanoma")
    ReviewFactory(amends=signed)
    for state in ("queued", "running", "failed", "rejected"):
        PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic), state=state)
    PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic), refused=True)
    could_be = {"state": "succeeded", "outcome": "malignant", "diagnoses": stored_diagnoses()}
    PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic), **could_be)


def test_every_resource(fhir, side, package):
    build_cases(side)
    client = fhir(side.own.administrator)
    case = Review.objects.first().submission
    bundles = [
        client.get(f"{ROOT}/{kind}" + (f"?target=DiagnosticReport/{case.pk}" if kind == "Provenance" else ""))
        for kind in KINDS
    ]
    bundles.append(client.get(f"{ROOT}/Observation?_revinclude=Provenance:target"))
    resources = [bundle.json() for bundle in bundles]
    resources += [entry["resource"] for bundle in resources for entry in bundle["entry"]]
    resources += [client.get(f"{ROOT}/{path}").json() for path in ("metadata", "CodeSystem", "Nothing")]
    resources += [client.get(f"{ROOT}/CodeSystem/{key}").json() for key in SYSTEMS]
    assert {one["resourceType"] for one in resources} >= set(KINDS)
    assert find_faults(package, resources) == []


@pytest.mark.usefixtures("model", "stores")
def test_the_answer_to_a_transaction(fhir, side, package):
    sent = orders.order(side.own.clinic)
    client = fhir(side.own.integration)
    answer = client.generic("POST", ROOT, json.dumps(sent), content_type=FHIR_JSON)
    assert find_faults(package, [answer.json(), sent]) == []


def test_the_check_finds_faults(package):
    patient = {"resourceType": "Patient", "gender": "neither", "surname": "Invented"}
    assert len(find_faults(package, [patient])) == 2
