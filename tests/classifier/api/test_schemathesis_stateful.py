"""Create, read and act in any order, along the schema's links, as those who write.

What the single operations can't show: what was made is there at once, what was removed is not, and
no order of legal calls brings the site down. `test_links` walks one whole way on purpose.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis
import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import ensure_resource_availability, use_after_free

from classifier.models import Lesion, Patient, Submission, SubmissionImage
from tests.classifier.api.conftest import ROOT, jpeg
from tests.classifier.api.test_links import DECISION, FINDING, HOOK, SITE
from tests.classifier.api.test_schemathesis import (
    CHECKS,
    headers_of,
    ignored_auth,
    one_connection,
    schema,
    shared_world,
    world,
)
from tests.factories import draw_jpeg
from tests.permissions.world import World
from tests.support.answers import answer_queued

__all__ = ["one_connection", "schema", "shared_world", "world"]
# That a token is needed, each operation is asked in test_schemathesis.
CHECKS_ON_THE_WAY = [
    *(one for one in CHECKS if one is not ignored_auth),
    *(use_after_free, ensure_resource_availability),
]
FEW, MANY = 5, 15
BOUNDED = settings(
    max_examples=FEW,
    stateful_step_count=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MAKES = {
    "own.clinician": {"patients/", "lesions/", "submissions/", "outcomes/"},
    "own.dermatologist": {"patients/", "lesions/", "submissions/", "outcomes/", "reviews/"},
    "own.integration": {"patients/", "lesions/", "submissions/", "outcomes/"},
    "own.administrator": {"webhooks/"},
}
NOT_LINKED = r"/(clinics|model-versions|me|token)/"
ROWS = {"patient": Patient, "lesion": Lesion, "submission": Submission}


class Steering:
    """Gives a body what chance never draws: rows that exist, pictures, days that fit together."""

    def __init__(self, world: World) -> None:
        case = world.judged
        self.known = {"patient": case.lesion.patient, "lesion": case.lesion, "submission": case}
        self.clinic = str(world.side.own.clinic.pk)
        self.pictures = [jpeg(seed).read() for seed in range(3)]
        self.taken = 0

    def steer_case(self, case: Any) -> None:
        path = case.operation.path.removeprefix(f"{ROOT}/")
        if not case.meta.generation.mode.is_positive:
            return
        if case.operation.method == "get" and "{" not in path:
            case.query = {}
        elif case.operation.method == "post" and isinstance(case.body, dict):
            case.body = self.steer(path, case.body)
            if path == "submissions/":
                case.media_type = "multipart/form-data"

    def steer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.taken += 1
        if path == "patients/":
            return {"mrn": f"MRN-{self.taken}", "clinic": self.clinic}
        if path == "lesions/":
            return {**SITE, "patient": self.find("patient", body)}
        if path == "submissions/":
            return {"lesion": self.find("lesion", body), "images": [self.pictures[self.taken % 3]]}
        if path == "reviews/":
            # A case is signed once a worker has judged it.
            answer_queued()
            return {**DECISION, "submission": self.find("submission", body)}
        if path == "outcomes/":
            return {**FINDING, "lesion": self.find("lesion", body)}
        return {**HOOK, "clinic": self.clinic} if path == "webhooks/" else body

    def find(self, field: str, body: dict[str, Any]) -> str:
        """What a link put there, or a row of the world."""
        rows = ROWS[field].objects.filter(pk=body.get(field))
        return str((rows.first() or self.known[field]).pk)


@pytest.fixture
def files(world: World) -> None:
    """Every image of the world has its picture: a way may lead to any of them."""
    for image in SubmissionImage.objects.all():
        store = image.derivative.storage
        if not store.exists(image.derivative.name):
            store.save(image.derivative.name, ContentFile(draw_jpeg(2)))


def build_machine(schema: Any, world: World, headers: dict[str, str], met: Counter[str]) -> Any:
    class Machine(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            """Each scenario begins in the same world."""
            self.steering = Steering(world)
            self.scenario = transaction.atomic()
            self.scenario.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.scenario.__exit__(None, None, None)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def before_call(self, case: Any) -> None:
            self.steering.steer_case(case)

        def after_call(self, response: Any, case: Any) -> None:
            super().after_call(response, case)
            path = case.operation.path.removeprefix(f"{ROOT}/")
            met[f"{case.operation.method.upper()} {path} {response.status_code}"] += 1

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            case.validate_response(
                response,
                checks=CHECKS_ON_THE_WAY,
                headers=headers,
                transport_kwargs=kwargs or None,
                recorder=self.recorder,
            )

    return Machine


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("role", MAKES)
def test_sequences(world: World, schema: Any, settings: Any, role: str, is_whole: bool) -> None:
    """A few ways; with --whole three times as many."""
    settings.DERMAPORT_API_WAITING = 0
    met: Counter[str] = Counter()
    linked = schema.exclude(path_regex=NOT_LINKED)
    build_machine(linked, world, headers_of(world, role), met).run(
        settings=hypothesis.settings(BOUNDED, max_examples=MANY if is_whole else FEW)
    )
    assert not {one for one in met if one.endswith(" 500")}
    made = {path for path in MAKES[role] if met[f"POST {path} 201"] or met[f"POST {path} 202"]}
    # Chance chooses the way: not everything is made each time, and never nothing.
    assert made, sorted(met.items())


def test_the_machine_goes_by_the_schemas_own_links(schema: Any) -> None:
    machine = schema.as_state_machine()
    links = [link for one in machine._transitions.operations.values() for link in one.outgoing]
    followed = {link.target.label for link in links}
    for act in ("submissions/{id}/cancel/", "reviews/", "reviews/{id}/amend/", "outcomes/{id}/correct/"):
        assert f"POST {ROOT}/{act}" in followed
