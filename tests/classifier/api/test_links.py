"""From a new patient to histopathology by the schema's links alone."""

import base64
from dataclasses import dataclass
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from classifier.api.links import LINKS
from tests.factories import draw_jpeg
from tests.support.answers import answer_queued

SITE = {"body_site": "trunk_posterior_trunk_upper_back", "laterality": "left"}
PICTURE = {"images": [{"name": "lesion.jpg", "data": base64.b64encode(draw_jpeg(2)).decode()}]}
DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise"}
FINDING = {
    "diagnosis": "melanoma_in_situ",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
}
HOOK = {"url": "https://93.184.216.34/hooks", "events": ["review.signed"]}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture(scope="module")
def operations(document) -> dict[str, dict[str, Any]]:
    paths = document["paths"]
    return {
        operation["operationId"]: {**operation, "path": path, "method": method}
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@dataclass
class Answer:
    links: dict[str, Any]
    data: Any
    status: int

    def find(self, expression: str) -> Any:
        found = self.data
        for part in expression.removeprefix("$response.body#/").split("/"):
            found = found[int(part)] if isinstance(found, list) else found[part]
        return found


@dataclass
class Walker:
    """A program that knows the schema's links, and of every answer only what they name."""

    client: APIClient
    operations: dict[str, dict[str, Any]]

    def call(self, name: str, body: dict[str, Any] | None = None, **ids: str) -> Answer:
        operation = self.operations[name]
        path = operation["path"].format(**ids)
        sent = {} if operation["method"] == "get" else {"format": "json"}
        response = getattr(self.client, operation["method"])(path, body, **sent)
        said = operation["responses"].get(str(response.status_code))
        assert response.status_code < 300, (name, response.status_code, response.content)
        assert said is not None, (name, response.status_code)
        is_json = response.get("Content-Type") == "application/json"
        return Answer(said.get("links", {}), response.json() if is_json else None, response.status_code)

    def follow(self, answer: Answer, name: str, body: dict[str, Any] | None = None) -> Answer:
        link = answer.links[name]
        ids = {one: answer.find(value) for one, value in link.get("parameters", {}).items()}
        linked = {one: answer.find(value) for one, value in link.get("requestBody", {}).items()}
        return self.call(name, {**linked, **(body or {})} or None, **ids)


@pytest.mark.django_db
@pytest.mark.usefixtures("model", "stores")
def test_a_case_from_its_patient_to_histopathology(api, side, operations):
    walker = Walker(api(side.own.dermatologist), operations)

    patient = walker.call(
        "patients_create",
        {"mrn": "MRN-LINKS", "clinic": str(side.own.clinic.pk), "consents_to_inference": True},
    )
    walker.follow(patient, "patients_consent", {"purpose": "teaching", "is_given": True})
    assert walker.follow(patient, "patients_consents").data["teaching"] is True
    lesion = walker.follow(patient, "lesions_create", SITE)
    taken = walker.follow(lesion, "submissions_create", PICTURE)
    assert taken.status == 202
    assert walker.follow(taken, "submissions_status").data["is_finished"] is False
    assert answer_queued() == 1
    case = walker.follow(taken, "submissions_read")
    for name in ("predictions_read", "images_derivative", "images_dicom", "patients_read", "lesions_read"):
        walker.follow(case, name)
    review = walker.follow(case, "reviews_sign", DECISION)
    amended = walker.follow(review, "reviews_amend", {**DECISION, "amendment_reason": "Histology came back."})
    assert walker.follow(amended, "reviews_read").data["amends"] == review.data["id"]
    outcome = walker.follow(case, "outcomes_create", FINDING)
    corrected = walker.follow(outcome, "outcomes_correct", {**FINDING, "correction_reason": "Reread."})
    assert walker.follow(corrected, "outcomes_read").data["corrects"] == outcome.data["id"]


@pytest.mark.django_db
def test_a_webhook_from_its_making_to_its_end(api, side, operations):
    walker = Walker(api(side.own.administrator), operations)

    made = walker.call("webhooks_create", {**HOOK, "clinic": str(side.own.clinic.pk)})
    for name, body in (("webhooks_update", HOOK), ("webhooks_rotate_secret", None), ("webhooks_test", None)):
        walker.follow(made, name, body)
    assert walker.follow(made, "webhooks_deliveries_list").data["results"]
    walker.follow(made, "webhooks_delete")


def test_every_link_leads_to_an_operation_that_takes_what_it_names(document, operations):
    assert set(LINKS) <= set(operations)
    for source, links in LINKS.items():
        said = [answer["links"] for answer in operations[source]["responses"].values() if "links" in answer]
        assert [set(one) for one in said] == [{link.operation for link in links}], source
        for link in links:
            target = operations[link.operation]
            assert bool(link.field) != ("{id}" in target["path"]), link
            if link.field:
                body = target["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                fields = document["components"]["schemas"][body.rpartition("/")[2]]["properties"]
                assert link.field in fields, link
