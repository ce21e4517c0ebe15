"""Asking for an outline: who may, what stands against it; and what changed since the last visit."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier.cases.outlines import (
    MEASURE_COLUMNS,
    IncomparableError,
    compare_outlines,
    find_outline,
    request_outline,
)
from classifier.domain.errors import ConflictError
from classifier.exports.cases import SUBMISSION_COLUMNS, describe_submission
from classifier.models import Outline
from classifier.privacy.archive_facts import describe_patient
from classifier.privacy.erasure import erase_patient
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    OUTLINE_MEASURES,
    OUTLINE_POINTS,
    ModelVersionFactory,
    OutlineFactory,
    OutlineNetworkFactory,
    SubmissionImageFactory,
    UserFactory,
    answered_submission,
    outline_network,
    refused_image,
    staff_clinic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db):
    return staff_clinic()


@pytest.fixture
def active_model(db):
    return ModelVersionFactory(active=True)


@pytest.fixture
def image(staff, active_model):
    outline_network()
    return answered_submission(staff, "malignant").images.get()


def test_queues_it_and_wakes_a_worker(staff, image, wake_ups, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = request_outline(actor=staff.clinician, image=image)
    assert wake_ups == ["classifier.tasks.run_outlines_task"]
    assert (row.state, row.requested_by, row.network) == ("queued", staff.clinician, outline_network())
    event = AuditEvent.objects.get(action="outline.requested")
    assert (event.object_id, event.details) == (str(row.pk), {"image": str(image.pk)})


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_asked_again_returns_the_one_that_exists(staff, image, state):
    row = OutlineFactory(image=image, state=state)
    assert request_outline(actor=staff.administrator, image=image) == row
    assert not AuditEvent.objects.filter(action="outline.requested").exists()


def test_one_queued_for_idle_time_becomes_the_persons(staff, image):
    row = OutlineFactory(image=image, requested_by=None)
    assert request_outline(actor=staff.clinician, image=image) == row
    row.refresh_from_db()
    assert row.requested_by == staff.clinician
    assert AuditEvent.objects.filter(action="outline.requested").count() == 1


def test_a_failed_one_and_one_of_a_retired_network_are_made_anew(staff, image):
    failed = OutlineFactory(image=image, state="failed")
    former = OutlineFactory(image=image, state="succeeded", network=OutlineNetworkFactory())
    row = request_outline(actor=staff.clinician, image=image)
    assert set(Outline.objects.all()) == {failed, former, row}
    # What is done is shown until the new one is.
    assert find_outline(image) == former


@pytest.mark.parametrize("role", ["clinician", "dermatologist", "administrator", "integration"])
def test_who_may_see_the_image_may_ask(staff, image, role):
    assert request_outline(actor=staff.person(role), image=image).state == "queued"


def test_a_stranger_may_not(image):
    with pytest.raises(PermissionDenied):
        request_outline(actor=UserFactory(), image=image)
    assert not Outline.objects.exists()


def test_it_is_shown_before_the_own_reading(staff, image):
    """It holds no verdict: where the clinic hides the answer until read, the outline may be asked for."""
    staff.clinic.hide_result_until_read = True
    staff.clinic.save()
    assert request_outline(actor=staff.dermatologist, image=image).state == "queued"


def without_network(image):
    network = outline_network()
    network.lifecycle = "retired"
    network.save()
    return image


def clinical(image):
    return SubmissionImageFactory(submission=image.submission, position=2, capture_kind="clinical")


def refused(image):
    return refused_image(submission=image.submission, position=2)


def withdrawn(image):
    case = image.submission
    type(case).objects.filter(pk=case.pk).update(
        cancelled_at=image.created_at, cancelled_by=case.submitted_by, state="cancelled"
    )
    return image


def against_consent(image):
    patient = image.submission.lesion.patient
    patient.consents_to_inference = False
    patient.save()
    return image


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (without_network, "no_outline_network"),
        (clinical, "not_dermoscopic"),
        (refused, "image_refused"),
        (withdrawn, "cancelled"),
        (against_consent, "consent_withdrawn"),
    ],
)
def test_what_is_not_outlined_says_why(staff, image, make, code):
    with pytest.raises(ConflictError) as caught:
        request_outline(actor=staff.clinician, image=make(image))
    assert caught.value.code == code
    assert not Outline.objects.exists()


def test_an_erasure_takes_outlines_with_the_pictures(staff, image):
    OutlineFactory(image=image, state="succeeded")
    erase_patient(actor=staff.administrator, patient=image.submission.lesion.patient, reason="request")
    assert not Outline.objects.exists()
    assert AuditEvent.objects.get(action="patient.erased").details["outlines"] == 1


class TestChange:
    def pair(self, image, before=None, now=None):
        other = SubmissionImageFactory(submission=image.submission, position=2)
        return [
            OutlineFactory(image=one, state="succeeded", measures={**OUTLINE_MEASURES, **(values or {})})
            for one, values in ((image, before), (other, now))
        ]

    def test_sizes_change_by_ratio_and_shapes_by_difference(self, image):
        pair = self.pair(image, now={"area": 0.5, "asymmetry": 0.05, "colours": ["red", "black", "white"]})
        found = {change.name: change for change in compare_outlines(*pair)}
        assert list(found) == ["area", "diameter", "asymmetry", "irregularity", "colours"]
        assert (found["area"].change, found["area"].moves, found["area"].is_beyond) == (1.0, 0.2, True)
        assert (found["diameter"].change, found["diameter"].is_beyond) == (0, False)
        assert found["asymmetry"].change == pytest.approx(-0.05)
        assert (found["colours"].change, found["colours"].is_beyond) == (1, True)

    @pytest.mark.parametrize(("ratio", "is_beyond"), [(1.19, False), (1.21, True)])
    def test_a_loss_counts_as_a_gain_of_the_same_ratio(self, image, ratio, is_beyond):
        assert compare_outlines(*self.pair(image, now={"area": 0.25 / ratio}))[0].is_beyond is is_beyond

    def test_millimetres_where_both_pictures_have_a_scale(self, image):
        scaled = {"area_mm2": 20.0, "diameter_mm": 5.0}
        pair = self.pair(image, before=scaled, now={"area_mm2": 30.0, "diameter_mm": 6.0})
        assert [(c.name, c.change) for c in compare_outlines(*pair)][:2] == [
            ("area_mm2", 0.5),
            ("diameter_mm", pytest.approx(0.2)),
        ]
        pair[0].measures["area_mm2"] = None
        assert compare_outlines(*pair)[0].name == "area"

    def test_unmeasured_repeatability_is_not_made_up(self, image):
        pair = self.pair(image)
        pair[1].network.specification = {}
        assert {(c.moves, c.is_beyond) for c in compare_outlines(*pair)} == {(None, None)}

    def test_two_networks_or_a_cut_lesion_are_not_compared(self, image):
        pair = self.pair(image, now={"is_cut": True})
        with pytest.raises(IncomparableError, match="edge of a picture"):
            compare_outlines(*pair)
        pair[0].network = OutlineNetworkFactory()
        with pytest.raises(IncomparableError, match="different networks"):
            compare_outlines(*pair)


def test_it_leaves_with_the_table_of_cases_and_the_archive_of_the_patient(staff, image):
    case = image.submission
    blank = dict(zip(SUBMISSION_COLUMNS, describe_submission(case, None), strict=True))
    assert {blank[name] for name in MEASURE_COLUMNS} == {None}
    OutlineFactory(image=image, state="failed")
    OutlineFactory(image=image, state="succeeded", measures={**OUTLINE_MEASURES, "area_mm2": 23.5})
    case = type(case).objects.get(pk=case.pk)
    row = dict(zip(SUBMISSION_COLUMNS, describe_submission(case, None), strict=True))
    assert [row[name] for name in MEASURE_COLUMNS] == [
        *(0.25, 0.6, 0.1, 1.2, "light-brown dark-brown", False, 23.5, None),
        "drawn 1.0.0",
    ]
    found = describe_patient(case.lesion.patient, [case])["submissions"][0]["images"][0]["outlines"]
    assert [(one["state"], one["points"]) for one in found] == [("failed", []), ("succeeded", OUTLINE_POINTS)]
