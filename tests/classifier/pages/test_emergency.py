"""Break-glass: one patient, for a while, reading only, in this session only, and both clinics know."""

import datetime as dt
import logging
import re
import threading

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import (
    EmergencyAccess,
    Explanation,
    Lesion,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.services.emergencies import open_emergency
from classifier.services.errors import ConflictError, ServiceError
from portal.accounts.models import Membership
from portal.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    MembershipFactory,
    PatientFactory,
    ReviewFactory,
    SubmissionImageFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db

REASON = "Unconscious patient in our emergency room, brought in from Zebedee's farm"
DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise", "comment": ""}


@pytest.fixture
def case(side):
    """A case of the other clinic; the own clinic's people are strangers to it."""
    case = answered_submission(side.other, "malignant")
    Patient.objects.filter(pk=case.lesion.patient_id).update(mrn="MRN-77", birth_date="1961-05-17")
    return Submission.objects.get(pk=case.pk)


@pytest.fixture
def client(side, log_in):
    return log_in(side.own.clinician)


def ask(client, side, **changes):
    fields = {"clinic": side.other.clinic.pk, "mrn": "MRN-77", "birth_date": "1961-05-17", "reason": REASON}
    return client.post(reverse("emergency-open"), {**fields, **changes})


def pages(case):
    image = case.images.get()
    prediction = Prediction.objects.get(image=image)
    return [
        reverse("submission-detail", args=[case.pk]),
        reverse("submission-status", args=[case.pk]),
        reverse("lesion-detail", args=[case.lesion_id]),
        reverse("patient-detail", args=[case.lesion.patient_id]),
        reverse("submission-list") + f"?patient={case.lesion.patient_id}",
        reverse("submission-list") + f"?lesion={case.lesion_id}",
        reverse("prediction-explanation", args=[prediction.pk]),
        f"/api/v1/submissions/{case.pk}/",
        f"/api/v1/submissions/{case.pk}/status/",
        f"/api/v1/patients/{case.lesion.patient_id}/",
        f"/api/v1/lesions/{case.lesion_id}/",
    ]


def statuses(client, case):
    return {client.get(address).status_code for address in pages(case)}


def actions(staff):
    events = AuditEvent.objects.filter(chain__clinic=staff.clinic)
    return list(events.order_by("position").values_list("action", flat=True))


def test_pages_and_api_open_and_close_together(client, side, case):
    assert statuses(client, case) == {404}
    answer = ask(client, side)
    assert answer.url == reverse("patient-detail", args=[case.lesion.patient_id])
    assert statuses(client, case) == {200}
    listed = client.get("/api/v1/submissions/").json()["results"]
    assert [row["id"] for row in listed] == [str(case.pk)]
    access = EmergencyAccess.objects.get()
    client.post(reverse("emergency-end", args=[access.pk]))
    assert statuses(client, case) == {404}
    assert client.get("/api/v1/submissions/").json()["results"] == []


def test_pictures_open_too(client, side, case):
    image = SubmissionImageFactory(submission=case, position=9, with_files=True, with_files__seed=1)
    addresses = [reverse(name, args=[image.pk]) for name in ("image-derivative", "image-thumbnail")]
    addresses.append(f"/api/v1/images/{image.pk}/derivative/")
    assert {client.get(address).status_code for address in addresses} == {404}
    ask(client, side)
    assert {client.get(address).status_code for address in addresses} == {200}


def test_every_queryset_agrees(client, side, case):
    ExplanationFactory(prediction=Prediction.objects.get(image__submission=case))
    ReviewFactory(submission=case, signed_by=side.other.dermatologist)
    answered_submission(side.other, "malignant")
    person = side.own.clinician
    models = (Patient, Lesion, Submission, SubmissionImage, Prediction, Explanation, Review)
    assert [model.objects.visible_to(person).count() for model in models] == [0] * len(models)
    ask(client, side)
    person.emergencies = list(EmergencyAccess.objects.live())
    assert [model.objects.visible_to(person).count() for model in models] == [1] * len(models)
    person.is_active = False
    assert [model.objects.visible_to(person).count() for model in models] == [0] * len(models)


def test_other_patients_of_that_clinic_stay_shut(client, side, case):
    other = answered_submission(side.other, "benign")
    ask(client, side)
    assert statuses(client, other) == {404}
    mine = client.get(reverse("patient-list")).context["rows"]
    assert mine == []
    assert client.get(reverse("submission-list")).context["cases"] == []


def test_reading_only(client, side, case):
    ask(client, side)
    patient, image = case.lesion.patient_id, case.images.get()
    prediction = Prediction.objects.get(image=image)
    for address in (
        reverse("patient-edit", args=[patient]),
        reverse("submission-cancel", args=[case.pk]),
        reverse("submission-lesions", args=[patient]),
        reverse("submission-new") + f"?patient={patient}",
        reverse("submission-new") + f"?lesion={case.lesion_id}",
        reverse("submission-review", args=[case.pk]),
    ):
        assert client.get(address).status_code == 403, address
    for address, data in (
        (reverse("patient-edit", args=[patient]), {"sex": "male"}),
        (reverse("submission-cancel", args=[case.pk]), {}),
        (reverse("submission-retry", args=[case.pk]), {}),
        (reverse("submission-review", args=[case.pk]), DECISION),
        (reverse("prediction-explanation", args=[prediction.pk]), {}),
        (reverse("submission-export") + f"?patient={patient}", {"what": "all"}),
        (f"/api/v1/submissions/{case.pk}/cancel/", {}),
    ):
        assert client.post(address, data).status_code == 403, address
    assert not Explanation.objects.exists()
    case.refresh_from_db()
    assert case.cancelled_at is None
    page = client.get(reverse("submission-list") + f"?patient={patient}").text
    assert "export-form" not in page


def test_dermatologist_may_open_and_not_sign(side, log_in, case):
    client = log_in(side.own.dermatologist)
    ask(client, side)
    assert client.get(reverse("submission-detail", args=[case.pk])).status_code == 200
    assert client.post(reverse("submission-review", args=[case.pk]), DECISION).status_code == 403
    assert client.get(reverse("worklist")).context["cases"] == []


def test_banner_names_patient_end_and_way_out(client, side, case):
    ask(client, side)
    access = EmergencyAccess.objects.get()
    for name in ("home", "patient-list"):
        page = client.get(reverse(name)).text
        assert "Emergency access</strong>" in page
        assert reverse("emergency-end", args=[access.pk]) in page
    client.post(reverse("emergency-end", args=[access.pk]))
    assert "Emergency access</strong>" not in client.get(reverse("home")).text


def test_time_runs_out_by_itself(client, side, case, settings):
    settings.DERMAPORT_EMERGENCY_MINUTES = 5
    ask(client, side)
    assert statuses(client, case) == {200}
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=5, seconds=1), tick=False):
        assert statuses(client, case) == {404}
        assert "Emergency access</strong>" not in client.get(reverse("home")).text


def test_only_the_session_that_opened_it(client, side, case, log_in):
    ask(client, side)
    person = side.own.clinician
    assert statuses(log_in(person), case) == {404}
    token = Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"})
    assert token.get(f"/api/v1/submissions/{case.pk}/").status_code == 404
    both = Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=person)[1]}"})
    both.cookies = client.cookies
    assert both.get(f"/api/v1/submissions/{case.pk}/").status_code == 404
    thief = log_in(side.own.dermatologist)
    session = thief.session
    session["emergencies"] = [str(EmergencyAccess.objects.get().pk)]
    session.save()
    assert statuses(thief, case) == {404}


def test_logging_out_ends_it(client, side, case):
    ask(client, side)
    client.post(reverse("account_logout"))
    assert not EmergencyAccess.objects.live().exists()
    assert actions(side.other)[-1] == "emergency.ended"


def test_who_loses_the_place_loses_this_with_it(client, side, case):
    MembershipFactory(clinic=MembershipFactory().clinic, user=side.own.clinician, role="clinician")
    ask(client, side)
    assert statuses(client, case) == {200}
    Membership.objects.filter(clinic=side.own.clinic, user=side.own.clinician).update(role="administrator")
    assert statuses(client, case) == {404}


def test_both_trails_tell_everything_and_no_word(client, side, case, caplog):
    caplog.set_level(logging.DEBUG)
    ask(client, side, birth_date="1961-05-18")
    ask(client, side)
    client.get(reverse("submission-detail", args=[case.pk]))
    client.get(reverse("submission-list") + f"?patient={case.lesion.patient_id}")
    access = EmergencyAccess.objects.get()
    client.post(reverse("emergency-end", args=[access.pk]))
    expected = ["emergency.refused", "emergency.opened", "submission.viewed", "submission.listed"]
    assert actions(side.other) == actions(side.own) == [*expected, "emergency.ended"]
    viewed = AuditEvent.objects.filter(action="submission.viewed")
    assert {event.details["emergency"] for event in viewed} == {str(access.pk)}
    trail = str(list(AuditEvent.objects.values("action", "object_id", "details")))
    for place in (trail, caplog.text):
        assert not re.search(r"zebedee|MRN-77|1961", place, re.IGNORECASE)


def test_nobody_learns_which_patients_exist(client, side, case):
    PatientFactory(clinic=side.other.clinic, mrn="MRN-78", birth_date=None)
    PatientFactory(clinic=side.own.clinic, mrn="MRN-79", birth_date="1961-05-17")
    wrong = [
        {"birth_date": "1961-05-18"},
        {"mrn": "MRN-7"},
        {"mrn": "MRN-78"},
        {"mrn": "MRN-79"},
    ]
    answers = []
    for changes in wrong:
        answer = ask(client, side, **changes)
        assert answer.status_code == 400
        answers.append(re.findall(r"No patient of this clinic fits[^<]*", answer.text))
    assert all(words == answers[0] != [] for words in answers)
    assert not EmergencyAccess.objects.exists()


def test_public_id_alone_is_enough(client, side, case):
    public_id = case.lesion.patient.public_id
    assert ask(client, side, mrn="", birth_date="", public_id=f" {public_id.lower()} ").status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "Emergency"}, "at least 20 characters, received 9"),
        ({"reason": "x" * 1001}, "1001 characters; the limit is 1000"),
        ({"mrn": ""}, "Give the MRN and the birth date"),
        ({"birth_date": ""}, "Give the MRN and the birth date"),
        ({"birth_date": "soon"}, "is not a date"),
        ({"clinic": ""}, "required"),
    ],
)
def test_what_is_missing_is_said(client, side, case, changes, words):
    answer = ask(client, side, **changes)
    assert answer.status_code == 400
    assert words in answer.text
    assert not EmergencyAccess.objects.exists()


def test_own_clinic_needs_no_emergency(client, side, case):
    assert ask(client, side, clinic=side.own.clinic.pk).status_code == 400
    with pytest.raises(ServiceError) as error:
        open_emergency(
            actor=side.own.clinician,
            home_clinic=side.own.clinic,
            clinic=side.own.clinic,
            reason=REASON,
            public_id="P-22222222",
        )
    assert error.value.code == "own_clinic"


@pytest.mark.parametrize("role", ["administrator", "integration"])
def test_only_clinicians_and_dermatologists(side, log_in, case, role):
    assert ask(log_in(side.own.person(role)), side).status_code == 403


def test_not_from_a_clinic_where_one_is_a_guest(side, log_in, case):
    stay = MembershipFactory(
        clinic=side.own.clinic, role="dermatologist", ends_at=timezone.now() + dt.timedelta(days=1)
    )
    assert ask(log_in(stay.user), side).status_code == 403


def test_so_many_tries_an_hour(client, side, case, settings):
    settings.DERMAPORT_EMERGENCY_ATTEMPTS = 3
    for _ in range(3):
        assert ask(client, side, mrn="MRN-1").status_code == 400
    refused = ask(client, side)
    assert refused.status_code == 429
    assert "the limit is 3" in refused.text
    assert not EmergencyAccess.objects.exists()
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61), tick=False):
        assert ask(client, side).status_code == 302


def test_opening_again_leaves_one_open(client, side, case):
    ask(client, side)
    ask(client, side)
    assert EmergencyAccess.objects.count() == 2
    assert EmergencyAccess.objects.live().count() == 1
    assert statuses(client, case) == {200}


def test_administrator_is_told_until_it_is_seen(client, side, case, log_in):
    ask(client, side)
    access = EmergencyAccess.objects.get()
    administrator = log_in(side.other.administrator)
    assert "1 emergency access" in administrator.get(reverse("home")).text
    page = administrator.get(reverse("emergency-list")).text
    for words in (side.own.clinician.full_name, side.own.clinic.name, "from Zebedee", "MRN-77", "Open now"):
        assert words in page
    administrator.post(reverse("emergency-acknowledge", args=[access.pk]))
    assert "emergency access" not in administrator.get(reverse("home")).text
    access.refresh_from_db()
    assert access.acknowledged_by == side.other.administrator
    assert access.is_live, "seen is not ended"
    assert "emergency.acknowledged" in actions(side.own)
    assert "1 emergency access" not in log_in(side.own.administrator).get(reverse("home")).text


def test_administrator_of_the_patients_clinic_ends_it(client, side, case, log_in):
    ask(client, side)
    address = reverse("emergency-end", args=[EmergencyAccess.objects.get().pk])
    for stranger in (side.own.administrator, side.own.dermatologist, side.other.clinician):
        assert log_in(stranger).post(address).status_code == 404
    assert statuses(client, case) == {200}
    assert log_in(side.other.administrator).post(address).url == reverse("emergency-list")
    assert statuses(client, case) == {404}


@pytest.mark.django_db(transaction=True)
def test_limit_holds_for_many_at_once(side, case, settings):
    settings.DERMAPORT_EMERGENCY_ATTEMPTS = 2
    start, outcomes = threading.Barrier(6), []

    def guess(number):
        start.wait()
        try:
            open_emergency(
                actor=side.own.clinician,
                home_clinic=side.own.clinic,
                clinic=side.other.clinic,
                reason=REASON,
                public_id=f"P-{number}",
            )
        except ConflictError as error:
            outcomes.append(error.code)
        except ServiceError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["patient_not_found"] * 2 + ["too_many_attempts"] * 4


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("emergency_has_reason", {"reason": ""}),
        ("emergency_expires", {"expires_at": timezone.now() - dt.timedelta(days=1)}),
        ("emergency_acknowledged_by_someone", {"acknowledged_at": timezone.now()}),
    ],
)
def test_constraints_hold(client, side, case, name, changes):
    ask(client, side)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        EmergencyAccess.objects.update(**changes)


def test_another_clinic_and_one_open(client, side, case):
    ask(client, side)
    with pytest.raises(IntegrityError, match="emergency_is_for_another_clinic"), transaction.atomic():
        EmergencyAccess.objects.update(clinic=side.own.clinic)
    ask(client, side)
    # SQLite names the columns of a unique index, PostgreSQL the constraint.
    with pytest.raises(IntegrityError, match=r"emergency_one_open|user_id"), transaction.atomic():
        EmergencyAccess.objects.update(ended_at=None)
