"""The history: scopes, filters, sorting, search, pages, and how many queries it costs."""

import datetime as dt
import logging
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.models import Submission
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    ModelVersionFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, clinics):
    client.force_login(clinics.own.clinician)

    def read(**query):
        response = client.get("/submissions/", query)
        assert response.status_code == 200
        response.keys = [row.submission.pk for row in response.context["cases"]]
        return response

    return read


def test_clinic_sees_its_own_cases_only(page, clinics):
    own = answered_submission(clinics.own)
    answered_submission(clinics.other)

    assert page().keys == [own.pk]


def test_scopes_narrow_to_a_person_a_patient_and_a_lesion(page, clinics):
    mine = answered_submission(clinics.own)
    other = SubmissionFactory(clinic=clinics.own.clinic, submitted_by=clinics.own.dermatologist)
    same_patient = SubmissionFactory(
        lesion=LesionFactory(patient=mine.lesion.patient), submitted_by=clinics.own.dermatologist
    )

    assert page(scope="mine").keys == [mine.pk]
    assert set(page(by=clinics.own.dermatologist.pk).keys) == {other.pk, same_patient.pk}
    assert set(page(patient=mine.lesion.patient_id).keys) == {mine.pk, same_patient.pk}
    assert page(lesion=mine.lesion_id).keys == [mine.pk]


@pytest.mark.parametrize("name", ["patient", "lesion", "by"])
def test_what_belongs_to_another_clinic_does_not_exist(client, clinics, name):
    foreign = answered_submission(clinics.other)
    keys = {
        "patient": foreign.lesion.patient_id,
        "lesion": foreign.lesion_id,
        "by": clinics.other.clinician.pk,
    }
    client.force_login(clinics.own.clinician)

    assert client.get("/submissions/", {name: keys[name]}).status_code == 404
    assert client.get("/submissions/", {name: uuid.uuid4()}).status_code == 404
    assert client.get("/submissions/", {name: "nonsense"}).status_code == 404


def test_outcome_filters_follow_the_most_worrying_image(page, clinics):
    benign = answered_submission(clinics.own, "benign")
    mixed = answered_submission(clinics.own, "benign", "malignant")
    refer = answered_submission(clinics.own, "refer", "benign")
    failed = SubmissionFactory(clinic=clinics.own.clinic)
    PredictionFactory(submission=failed, state="failed")

    assert page(outcome="benign").keys == [benign.pk]
    assert page(outcome="malignant").keys == [mixed.pk]
    assert page(outcome="refer").keys == [refer.pk]
    assert page(outcome="unjudged").keys == [failed.pk]


def test_state_and_review_filters(page, clinics):
    waiting = answered_submission(clinics.own)
    signed = answered_submission(clinics.own)
    ReviewFactory(submission=signed)
    queued = SubmissionFactory(clinic=clinics.own.clinic)
    PredictionFactory(submission=queued)

    assert page(state="awaiting_review").keys == [waiting.pk]
    assert page(state="reviewed").keys == [signed.pk]
    assert page(state="in_work").keys == [queued.pk]
    assert page(reviewed="yes").keys == [signed.pk]
    assert set(page(reviewed="no").keys) == {waiting.pk, queued.pk}


def test_site_filter_takes_finer_sites_along(page, clinics):
    back = SubmissionFactory(
        lesion=LesionFactory(clinic=clinics.own.clinic, body_site="trunk_posterior_trunk_upper_back")
    )
    SubmissionFactory(lesion=LesionFactory(clinic=clinics.own.clinic, body_site="upper_extremity_shoulder"))

    assert page(site="trunk").keys == [back.pk]
    assert page(site="trunk_posterior_trunk_upper_back").keys == [back.pk]
    assert page(site="unspecified").keys == []


def test_date_priority_and_model_filters(page, clinics):
    old = answered_submission(
        clinics.own, submitted_at=dt.datetime(2026, 3, 3, 23, 59, tzinfo=dt.UTC), priority="urgent"
    )
    new = SubmissionFactory(
        clinic=clinics.own.clinic, submitted_at=dt.datetime(2026, 3, 5, 0, 0, tzinfo=dt.UTC)
    )
    other_model = ModelVersionFactory()
    PredictionFactory(submission=new, model_version=other_model)

    assert page(until="2026-03-03").keys == [old.pk]
    assert page(since="2026-03-04").keys == [new.pk]
    assert page(since="2026-03-03", until="2026-03-05").keys == [new.pk, old.pk]
    assert page(priority="urgent").keys == [old.pk]
    assert page(model=other_model.pk).keys == [new.pk]


def test_wrong_filters_filter_nothing_and_say_so(page, clinics):
    case = answered_submission(clinics.own)

    answer = page(since="yesterday", outcome="lovely", model="x", page="99", sort="odd")

    assert answer.keys == [case.pk]
    assert "“yesterday” is not a date." in answer.content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_day_of_no_year_that_a_list_has_filters_nothing_and_says_so(page, clinics, name, day):
    case = answered_submission(clinics.own)

    answer = page(**{name: day})

    assert answer.keys == [case.pk]
    assert f"{day} lies outside the years 1900 to 2999." in answer.content.decode()


def test_sorting(page, clinics):
    now = timezone.now()
    benign = answered_submission(clinics.own, "benign", submitted_at=now)
    malignant = answered_submission(clinics.own, "malignant", submitted_at=now - dt.timedelta(days=1))
    signed = answered_submission(clinics.own, "refer", submitted_at=now - dt.timedelta(days=2))
    ReviewFactory(submission=signed)

    assert page().keys == [benign.pk, malignant.pk, signed.pk]
    assert page(sort="oldest").keys == [signed.pk, malignant.pk, benign.pk]
    # Signed as a naevus, it worries less than what nobody read yet.
    assert page(sort="risk").keys == [malignant.pk, benign.pk, signed.pk]
    assert page(sort="state").keys == [benign.pk, malignant.pk, signed.pk]


def test_hidden_outcomes_can_be_neither_seen_nor_filtered_nor_sorted_for(client, clinics):
    clinics.own.clinic.hide_result_until_read = True
    clinics.own.clinic.save()
    malignant = answered_submission(
        clinics.own, "malignant", submitted_at=timezone.now() - dt.timedelta(days=3)
    )
    benign = answered_submission(clinics.own, "benign")
    client.force_login(clinics.own.dermatologist)

    page = client.get("/submissions/", {"sort": "risk"})

    assert [row.submission.pk for row in page.context["cases"]] == [benign.pk, malignant.pk]
    assert "Read first" in page.content.decode()
    assert "tone-malignant" not in page.content.decode().split('<ul class="rows"')[1]
    assert not client.get("/submissions/", {"outcome": "malignant"}).context["cases"]


def test_search_word_never_stands_in_an_address_or_a_log(client, clinics, caplog):
    wanted = SubmissionFactory(
        lesion=LesionFactory(patient=PatientFactory(clinic=clinics.own.clinic, mrn="KX-4711"))
    )
    answered_submission(clinics.own)
    client.force_login(clinics.own.clinician)

    with caplog.at_level(logging.DEBUG):
        answer = client.post("/submissions/search/?state=in_work&page=3", {"word": "x-47"})

    assert re.fullmatch(r"/submissions/\?state=in_work&search=[\w-]{12}", answer.url)
    page = client.get(answer.url.replace("state=in_work&", ""))
    assert [row.submission.pk for row in page.context["cases"]] == [wanted.pk]
    assert "x-47" not in caplog.text
    assert "x-47" not in str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert (
        "search"
        in AuditEvent.objects.filter(action="submission.listed").latest("position").details["filters"]
    )


def test_search_finds_public_ids_and_is_cleared(client, clinics):
    case, other = answered_submission(clinics.own), answered_submission(clinics.own)
    client.force_login(clinics.own.clinician)

    page = client.post("/submissions/search/", {"word": case.lesion.patient.public_id.lower()}, follow=True)
    found = page.context["cases"]
    assert page.context["clear_search"] == "/submissions/"
    after = client.get(page.context["clear_search"]).context["cases"]

    assert [row.submission.pk for row in found] == [case.pk]
    assert {row.submission.pk for row in after} == {case.pk, other.pk}


def test_pages_hold_25_and_a_page_beyond_the_end_is_the_last(page, clinics):
    with restated_together():
        for _ in range(27):
            SubmissionFactory(clinic=clinics.own.clinic)

    assert len(page().keys) == 25
    assert len(page(page=2).keys) == 2
    assert page(page=99).keys == page(page=2).keys
    assert len(set(page().keys) | set(page(page=2).keys)) == 27


def count_queries(client, address):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("address", ["/submissions/?sort=risk&outcome=benign", "/worklist/"])
def test_a_full_page_costs_as_many_queries_as_a_short_one(client, clinics, address):
    client.force_login(clinics.own.dermatologist)
    for _ in range(2):
        answered_submission(clinics.own, "benign", "benign")
    count_queries(client, address)
    few = count_queries(client, address)
    with restated_together():
        for _ in range(23):
            answered_submission(clinics.own, "benign", "benign")

    assert count_queries(client, address) == few
    assert few <= 21


def test_empty_list_teaches_the_first_step(page):
    text = page().content.decode()

    assert "No submissions yet" in text
    assert "/submissions/new/" in text


def test_empty_match_says_what_to_clear(page, clinics):
    answered_submission(clinics.own, "benign")

    text = page(outcome="malignant").content.decode()

    assert "No case matches" in text
    assert "Clear the filters" in text


def test_each_look_leaves_one_event_without_words(page, clinics):
    answered_submission(clinics.own)
    page(outcome="benign")

    event = AuditEvent.objects.get(action="submission.listed")
    assert event.actor == clinics.own.clinician
    assert event.details == {"scope": "clinic", "filters": ["outcome"], "page": 1, "count": 1}
    assert Submission.objects.count() == 1
