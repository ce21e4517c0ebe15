"""Many dermatologists sign one reading in the same moment: it has one signature."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from classifier.models import Review, WebhookEvent
from portal.trust.audit.models import AuditEvent
from tests.factories import MembershipFactory, PredictionFactory, SubmissionFactory, staff_clinic
from tests.support.reading import seen
from tests.support.threads import run_in_threads
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db(transaction=True)
ALL, FEW = 50, 12
"""SQLite lets one write after the other, however many come: all of them come with --whole, on PostgreSQL."""
DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise", "comment": ""}


@pytest.fixture
def many(is_whole) -> int:
    return ALL if is_whole else FEW


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def case(staff):
    WebhookEndpointFactory(clinic=staff.clinic)
    case = SubmissionFactory(clinic=staff.clinic)
    PredictionFactory(submission=case, state="succeeded")
    return case


def make_clients(staff, many, *, by_token):
    people = [MembershipFactory(clinic=staff.clinic, role="dermatologist").user for _ in range(many)]
    if by_token:
        headers = [{"Authorization": f"Bearer {AuthToken.objects.create(user=one)[1]}"} for one in people]
        return [Client(headers=one) for one in headers]
    clients = [Client() for _ in people]
    for client, person in zip(clients, people, strict=True):
        client.force_login(person)
    return clients


def check_one_signature(case):
    [review] = Review.objects.filter(submission=case)
    [event] = AuditEvent.objects.filter(action="review.signed")
    assert event.actor == review.signed_by
    assert WebhookEvent.objects.filter(type="review.signed").count() == 1


@pytest.mark.timeout(300)
def test_by_the_api(staff, case, many):
    clients = make_clients(staff, many, by_token=True)

    def sign(n):
        body = {**DECISION, "submission": str(case.pk)}
        return clients[n].post("/api/v1/reviews/", body, content_type="application/json").status_code

    answers = run_in_threads(many, sign)
    assert sorted(set(answers)) == [201, 409]
    assert answers.count(201) == 1
    check_one_signature(case)


@pytest.mark.timeout(300)
def test_by_the_api_with_the_tag_that_all_had_read(staff, case, many):
    """And where somebody signed meanwhile, the tag tells it first."""
    clients = make_clients(staff, many, by_token=True)
    tag = clients[0].get(f"/api/v1/submissions/{case.pk}/")["ETag"]

    def sign(n):
        body = {**DECISION, "submission": str(case.pk)}
        sent = {"content_type": "application/json", "headers": {"If-Match": tag}}
        return clients[n].post("/api/v1/reviews/", body, **sent).status_code

    answers = run_in_threads(many, sign)
    assert answers.count(201) == 1
    assert set(answers) <= {201, 409, 412}
    check_one_signature(case)


@pytest.mark.timeout(300)
def test_by_the_page(staff, case, many):
    clients = make_clients(staff, many, by_token=False)
    address = reverse("submission-review", args=[case.pk])
    sent = {**DECISION, **seen(case)}
    answers = run_in_threads(many, lambda n: clients[n].post(address, sent).status_code)
    assert answers.count(302) == 1
    assert set(answers) <= {302, 409}
    check_one_signature(case)


@pytest.mark.timeout(300)
def test_amendments_of_one_review_follow_each_other(staff, case, many):
    first = staff.dermatologist
    review = Review.objects.create(submission=case, signed_by=first, signed_at=case.submitted_at, **DECISION)
    clients = make_clients(staff, many, by_token=True)

    def amend(n):
        body = {**DECISION, "amendment_reason": f"Histology {n}"}
        return (
            clients[n]
            .post(f"/api/v1/reviews/{review.pk}/amend/", body, content_type="application/json")
            .status_code
        )

    answers = run_in_threads(many, amend)
    assert answers.count(201) == 1
    assert set(answers) <= {201, 409}
    assert Review.objects.filter(submission=case).count() == 2
