"""Guests: dermatologists of another clinic until a day. What ends by itself ends everywhere."""

import datetime as dt

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import (
    Explanation,
    Lesion,
    Outline,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
)
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Clinic, Membership
from portal.trust.accounts.people.founding import change_guest_end
from portal.trust.accounts.people.invitations import accept_invitation, invite
from portal.trust.accounts.people.services import change_role
from portal.trust.accounts.permissions import role_in
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    ExplanationFactory,
    MembershipFactory,
    OutlineFactory,
    ReviewFactory,
    answered_submission,
)
from tests.support.reading import seen

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def stay(clinics):
    """The other clinic's dermatologist reads in the own clinic for three days."""
    return MembershipFactory(
        clinic=clinics.own.clinic,
        user=clinics.other.dermatologist,
        role="dermatologist",
        ends_at=timezone.now() + 3 * DAY,
    )


def log_in(user, clinic=None):
    client = Client()
    client.force_login(user)
    if clinic:
        client.post(reverse("clinic-switch"), {"clinic": clinic.pk})
    return client


def every_queryset(staff):
    """One row of each kind, and the querysets that must agree on who sees it."""
    case = answered_submission(staff, "malignant")
    prediction = Prediction.objects.get(image__submission=case)
    ExplanationFactory(prediction=prediction)
    OutlineFactory(image=prediction.image)
    ReviewFactory(submission=case, signed_by=staff.dermatologist)
    return [model.objects for model in (Patient, Lesion, Submission, SubmissionImage, Prediction)] + [
        Explanation.objects,
        Outline.objects,
        Review.objects,
    ]


def test_guest_sees_and_stops_seeing_everywhere_at_the_same_moment(clinics, stay):
    guest, managers = stay.user, every_queryset(clinics.own)
    assert [manager.visible_to(guest).count() for manager in managers] == [1] * len(managers)
    assert role_in(guest, clinics.own.clinic.pk) == "dermatologist"
    assert clinics.own.clinic in Clinic.objects.visible_to(guest)

    with time_machine.travel(stay.ends_at, tick=False):
        assert [manager.visible_to(guest).count() for manager in managers] == [0] * len(managers)
        assert role_in(guest, clinics.own.clinic.pk) is None
        assert list(Clinic.objects.visible_to(guest)) == [clinics.other.clinic]


def test_session_and_token_meet_the_end(clinics, stay):
    case = answered_submission(clinics.own, "malignant")
    page = reverse("submission-detail", args=[case.pk])
    client = log_in(stay.user, clinics.own.clinic)
    token = Client(headers={"Authorization": f"Bearer {AuthToken.objects.create(user=stay.user)[1]}"})
    api = f"/api/v1/submissions/{case.pk}/"
    assert (client.get(page).status_code, token.get(api).status_code) == (200, 200)

    Membership.objects.filter(pk=stay.pk).update(ends_at=timezone.now())

    assert (client.get(page).status_code, token.get(api).status_code) == (404, 404)
    assert client.get(reverse("home")).context["clinic"] == clinics.other.clinic
    switch = client.post(reverse("clinic-switch"), {"clinic": clinics.own.clinic.pk})
    assert switch.status_code == 404


def test_worklist_spans_the_clinics_served_and_names_them(clinics, stay):
    here = answered_submission(clinics.own, "malignant")
    there = answered_submission(clinics.other, "benign")
    client = log_in(stay.user)

    page = client.get(reverse("worklist"))

    assert [row.submission.pk for row in page.context["cases"]] == [here.pk, there.pk]
    for clinic in (clinics.own.clinic, clinics.other.clinic):
        assert f"<strong>{clinic.name}</strong> ·" in page.text
        listed = AuditEvent.objects.get(action="worklist.listed", chain__clinic=clinic)
        assert listed.details["count"] == 1
    reading = client.get(reverse("submission-review", args=[here.pk]))
    assert reading.context["following"] == there
    others = log_in(clinics.own.dermatologist).get(reverse("worklist"))
    assert [row.submission.pk for row in others.context["cases"]] == [here.pk]
    assert f"<strong>{clinics.own.clinic.name}</strong> ·" not in others.text


def test_worklist_leaves_out_clinics_where_one_does_not_review(clinics):
    MembershipFactory(clinic=clinics.own.clinic, user=clinics.other.dermatologist, role="clinician")
    answered_submission(clinics.own, "malignant")
    client = log_in(clinics.other.dermatologist, clinics.other.clinic)
    assert client.get(reverse("worklist")).context["cases"] == []


def test_each_clinic_hides_its_own_answers(clinics, stay):
    answered_submission(clinics.own, "malignant")
    answered_submission(clinics.other, "malignant")
    Clinic.objects.filter(pk=clinics.own.clinic.pk).update(hide_result_until_read=True)
    page = log_in(stay.user, clinics.other.clinic).get(reverse("worklist"))
    shown = {row.submission.clinic_id: row.summary.is_hidden for row in page.context["cases"]}
    assert shown == {clinics.own.clinic.pk: True, clinics.other.clinic.pk: False}
    assert "stay hidden" in page.text


def test_invitation_makes_a_guest_until_the_end_of_the_day(clinics):
    client = log_in(clinics.own.administrator)
    guest = clinics.other.dermatologist
    last = timezone.localdate() + 30 * DAY
    fields = {"email": guest.email, "role": "dermatologist", "guest_until": last.isoformat()}
    assert client.post(reverse("invitations"), fields).status_code == 302
    invitation = clinics.own.clinic.invitations.get()

    stay = accept_invitation(person=guest, invitation=invitation)

    assert timezone.localtime(stay.ends_at).date() == last + DAY
    assert stay.last_day == last
    assert "Guest dermatologist" in client.get(reverse("people")).text
    event = AuditEvent.objects.get(action="invitation.accepted")
    assert event.details["guest"] is True


def test_administrator_changes_the_last_day(clinics, stay):
    client = log_in(clinics.own.administrator)
    last = timezone.localdate() + 10 * DAY
    client.post(reverse("person-end", args=[stay.pk]), {"guest_until": last.isoformat()})
    stay.refresh_from_db()
    assert stay.last_day == last
    for wrong in ("", "soon", "1999-01-01", "9999-12-31"):
        client.post(reverse("person-end", args=[stay.pk]), {"guest_until": wrong})
    stay.refresh_from_db()
    assert stay.last_day == last
    event = AuditEvent.objects.get(action="membership.end_changed")
    assert event.details["to"] == {"ends_at": stay.ends_at.isoformat()}


def test_only_guests_have_an_end_and_a_guest_keeps_the_role(clinics, stay):
    own = Membership.objects.get(user=clinics.own.dermatologist)
    with pytest.raises(PeopleError, match="belongs to your clinic"):
        change_guest_end(actor=clinics.own.administrator, membership=own, guest_until=timezone.now() + DAY)
    with pytest.raises(PeopleError, match="works here as dermatologist"):
        change_role(actor=clinics.own.administrator, membership=stay, role="administrator")
    for actor in (clinics.own.dermatologist, clinics.other.administrator):
        with pytest.raises(PermissionDenied):
            change_guest_end(actor=actor, membership=stay, guest_until=timezone.now() + DAY)


def test_constraint_only_dermatologists_are_guests(stay):
    with (
        pytest.raises(IntegrityError, match="membership_only_dermatologists_are_guests"),
        transaction.atomic(),
    ):
        Membership.objects.filter(pk=stay.pk).update(role="administrator")


def test_guest_can_be_invited_again_after_the_end(clinics, stay):
    Membership.objects.filter(pk=stay.pk).update(ends_at=timezone.now() - DAY)
    issued = invite(
        actor=clinics.own.administrator,
        clinic=clinics.own.clinic,
        email=stay.user.email,
        role="dermatologist",
        guest_until=timezone.now() + 5 * DAY,
    )
    assert accept_invitation(person=stay.user, invitation=issued.invitation).pk == stay.pk
    assert role_in(stay.user, clinics.own.clinic.pk) == "dermatologist"


def test_signature_of_a_guest_counts_and_stays(clinics, stay):
    case = answered_submission(clinics.own, "malignant")
    decision = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise", "comment": ""}
    client = log_in(stay.user)
    client.post(reverse("submission-review", args=[case.pk]), decision | seen(case))
    assert case.reviews.get().signed_by == stay.user
