"""Each named constraint of the database, broken by a row that only it refuses."""

import datetime as dt
import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone
from knox.models import AuthToken

from classifier.models import FileRemoval, IdempotentRequest, ReadingClaim, RefusedEmergency
from portal.trust.accounts.models import ApiToken, OAuthApplication
from portal.trust.audit.models import AuditChain, AuditEvent
from tests.factories import (
    AcknowledgementFactory,
    ClinicFactory,
    ExplanationFactory,
    LesionFactory,
    MembershipFactory,
    ModelVersionFactory,
    OutcomeFactory,
    OutlineFactory,
    OutlineNetworkFactory,
    PatientFactory,
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    UserFactory,
)
from tests.support.webhooks import BREAKS as WEBHOOK_BREAKS

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def second_patient():
    first = PatientFactory()
    PatientFactory(clinic=first.clinic, mrn=first.mrn)


def second_membership():
    first = MembershipFactory()
    MembershipFactory(user=first.user, clinic=first.clinic, role="dermatologist")


def second_request():
    first = SubmissionFactory()
    SubmissionFactory(clinic=first.clinic, request_key=first.request_key)


def second_position():
    first = SubmissionImageFactory()
    SubmissionImageFactory(submission=first.submission, position=first.position)


def second_live_prediction():
    first = PredictionFactory(state="succeeded")
    PredictionFactory(image=first.image)


def second_review():
    first = ReviewFactory()
    ReviewFactory(submission=first.submission)


def second_outline():
    first = OutlineFactory()
    OutlineFactory(image=first.image)


def second_explanation():
    first = ExplanationFactory()
    ExplanationFactory(prediction=first.prediction)


def second_event():
    chain = AuditChain.objects.create(key="x")
    for _ in range(2):
        AuditEvent.objects.create(chain=chain, position=1, occurred_at=NOW, action="a", hash=uuid.uuid4().hex)


def unknown_consent():
    patient = PatientFactory()
    patient.consents.create(purpose="sale", is_given=True, recorded_at=NOW, recorded_by=patient.created_by)


def nameless_token():
    person = UserFactory()
    token, _ = AuthToken.objects.create(user=person)
    ApiToken.objects.create(token=token, name="", made_by=person)


def application(**changes):
    given = {"client_type": "public", "authorization_grant_type": "authorization-code"}
    OAuthApplication.objects.create(
        clinic=ClinicFactory(),
        made_by=UserFactory(),
        **{**given, "redirect_uris": "https://records.example/", **changes},
    )


def request(**changes):
    facts = {"key_digest": "k", "fingerprint": "f", "created_at": NOW, "claimed_at": NOW, **changes}
    IdempotentRequest.objects.create(**{"caller": UserFactory(), **facts})


def second_key():
    caller = UserFactory()
    for _ in range(2):
        request(caller=caller)


def unknown_origin():
    patient = PatientFactory()
    patient.consents.create(
        purpose="inference", is_given=True, origin="heard", recorded_at=NOW, recorded_by=patient.created_by
    )


def second_reading():
    first = ReadingFactory()
    ReadingFactory(submission=first.submission, reader=first.reader, diagnosis="melanoma")


def emergency_at_home():
    clinic = ClinicFactory()
    RefusedEmergency.objects.create(user=UserFactory(), home_clinic=clinic, clinic=clinic, refused_at=NOW)


def second_acknowledgement():
    first = AcknowledgementFactory()
    AcknowledgementFactory(review=first.review)


def claim_that_ended():
    case = SubmissionFactory()
    ReadingClaim.objects.create(submission=case, reader=case.submitted_by, claimed_at=NOW, until=NOW)


def judged(**values):
    PredictionFactory(state="succeeded", **{"prevalence": None, "predictive_value": None, **values})


def held_for(factory, **values):
    """A row of the table whose columns say what the services never write."""
    row = factory()
    type(row).objects.filter(pk=row.pk).update(**values)


HELD = {"submission": SubmissionFactory, "lesion": LesionFactory, "patient": PatientFactory}
UNKNOWN = {"standing": "fine", "standing_basis": "model"}
NOBODYS_WORD = {"standing": "benign", "standing_basis": "review", "standing_diagnosis": "naevus"}


BREAKS = {
    "membership_unique_user_clinic": second_membership,
    "membership_role_known": lambda: MembershipFactory(role="owner"),
    "user_email_unique_any_case": lambda: [UserFactory(email=e) for e in ("a@b.example", "A@b.example")],
    "user_kind_known": lambda: UserFactory(kind="robot"),
    "user_closed_by_while_closed": lambda: UserFactory(closed_by=ClinicFactory()),
    "user_service_cannot_log_in": lambda: UserFactory(kind="service"),
    "api_token_named": nameless_token,
    "oauth_application_grant_is_one_of_two": lambda: application(authorization_grant_type="implicit"),
    "oauth_application_secret_is_hashed": lambda: application(hash_client_secret=False),
    "oauth_application_former_secret_ends": lambda: application(former_secret="hash"),
    "clinic_automatic_retention_has_years": lambda: ClinicFactory(retention_automatic_since=NOW),
    "patient_unique_mrn_in_clinic": second_patient,
    "patient_mrn_given": lambda: PatientFactory(mrn=""),
    "patient_sex_known": lambda: PatientFactory(sex="f"),
    "patient_skin_type_known": lambda: PatientFactory(skin_type="VII"),
    "patient_erased_says_nothing": lambda: PatientFactory(erased_at=NOW),
    "consent_purpose_known": unknown_consent,
    "file_removal_names_a_file": lambda: FileRemoval.objects.create(store="sealed", name="", not_before=NOW),
    "lesion_body_site_known": lambda: LesionFactory(body_site="elbow room"),
    "lesion_laterality_known": lambda: LesionFactory(laterality="both"),
    "submission_unique_request": second_request,
    "submission_cancelled_by_someone": lambda: SubmissionFactory(cancelled_at=NOW),
    "image_position_once_in_submission": second_position,
    "image_kind_known": lambda: SubmissionImageFactory(capture_kind="drawing"),
    "image_has_pixels": lambda: SubmissionImageFactory(width=0),
    "image_gated_by_a_version": lambda: SubmissionImageFactory(gated_at=NOW),
    "model_unique_name_version": lambda: [
        ModelVersionFactory(name="n", version="1", sha256=digit * 64, specification={}) for digit in "ab"
    ],
    "model_one_active": lambda: [ModelVersionFactory(active=True) for _ in range(2)],
    "model_lifecycle_known": lambda: ModelVersionFactory(lifecycle="beta"),
    "prediction_state_known": lambda: PredictionFactory(state="paused", finished_at=NOW),
    "prediction_one_live_per_image_and_model": second_live_prediction,
    "prediction_succeeded_has_answer": lambda: PredictionFactory(state="succeeded", probability=None),
    "prediction_answer_only_when_succeeded": lambda: PredictionFactory(state="failed", outcome="benign"),
    "prediction_diagnoses_only_with_a_figure": lambda: PredictionFactory(refused=True, diagnoses={}),
    "prediction_running_has_lease": lambda: PredictionFactory(state="running", lease_until=None),
    "prediction_finished_has_time": lambda: PredictionFactory(state="succeeded", finished_at=None),
    "prediction_failure_has_reason": lambda: PredictionFactory(state="failed", error_code=""),
    "review_one_first_per_submission": second_review,
    "review_amendment_has_reason": lambda: ReviewFactory(amends=ReviewFactory(), amendment_reason=""),
    "review_words_known": lambda: ReviewFactory(diagnosis="mole"),
    "reading_once_per_reader": second_reading,
    "reading_words_known": lambda: ReadingFactory(diagnosis="mole"),
    "reading_confidence_is_percent": lambda: ReadingFactory(question=2, confidence=101),
    "reading_question_asked": lambda: ReadingFactory(question=0),
    "reading_answers_its_question": lambda: ReadingFactory(confidence=80),
    "refused_emergency_in_another_clinic": emergency_at_home,
    "outline_one_live_per_image_and_network": second_outline,
    "outline_state_known": lambda: OutlineFactory(state="paused", finished_at=NOW),
    "outline_drawn_only_when_succeeded": lambda: OutlineFactory(milliseconds=1),
    "outline_running_has_lease": lambda: OutlineFactory(state="running", lease_until=None),
    "outline_finished_has_time": lambda: OutlineFactory(state="succeeded", finished_at=None),
    "outline_failure_has_reason": lambda: OutlineFactory(state="failed", error_code=""),
    "outlinenetwork_unique_name_version": lambda: [
        OutlineNetworkFactory(version="1", sha256=letter * 64) for letter in "ab"
    ],
    "outlinenetwork_one_active": lambda: [OutlineNetworkFactory(lifecycle="active") for _ in "ab"],
    "outlinenetwork_lifecycle_known": lambda: OutlineNetworkFactory(lifecycle="shadow"),
    "explanation_one_live_per_prediction": second_explanation,
    "explanation_state_known": lambda: ExplanationFactory(state="paused", finished_at=NOW),
    "explanation_overlay_only_when_succeeded": lambda: ExplanationFactory(overlay="a.overlay"),
    "explanation_running_has_lease": lambda: ExplanationFactory(state="running", lease_until=None),
    "explanation_finished_has_time": lambda: ExplanationFactory(state="succeeded", finished_at=None),
    "explanation_failure_has_reason": lambda: ExplanationFactory(state="failed", error_code=""),
    "outcome_words_known": lambda: OutcomeFactory(diagnosis="mole"),
    "outcome_reported_after_specimen": lambda: OutcomeFactory(reported_on=dt.date(2026, 3, 1)),
    "outcome_breslow_of_invasive_melanoma": lambda: OutcomeFactory(breslow_mm=1),
    "outcome_correction_has_reason": lambda: OutcomeFactory(corrects=OutcomeFactory(), correction_reason=""),
    "idempotent_request_key_once": second_key,
    "idempotent_request_answered_whole": lambda: request(status=201),
    "audit_position_once": second_event,
    "clinic_reading_target_positive": lambda: ClinicFactory(reading_target_days=0),
    "clinic_kind_known": lambda: ClinicFactory(kind="vet"),
    "clinic_malignant_in_hundred_in_range": lambda: ClinicFactory(malignant_in_hundred=0),
    "prediction_far_is_referred": lambda: judged(is_far=True, distance=2.5),
    "prediction_figure_has_prevalence": lambda: judged(predictive_value=0.1),
    "prediction_figure_within_its_range": lambda: judged(
        prevalence=0.03, predictive_value=0.1, predictive_low=0.2, predictive_high=0.3
    ),
    "consent_origin_known": unknown_origin,
    "acknowledgement_one_in_force": second_acknowledgement,
    "acknowledgement_words_known": lambda: AcknowledgementFactory(done="forgotten"),
    "acknowledgement_other_has_note": lambda: AcknowledgementFactory(done="other"),
    "acknowledgement_taken_back_by_someone": lambda: AcknowledgementFactory(taken_back_at=NOW),
    "reading_claim_ends_later": claim_that_ended,
    "submission_reason_of_a_withdrawal": lambda: SubmissionFactory(withdrawal_reason="Sent twice."),
    "submission_state_known": lambda: held_for(SubmissionFactory, state="lost"),
    "submission_order_is_signed": lambda: held_for(SubmissionFactory, order_due_at=NOW),
    "submission_unread_has_news": lambda: held_for(SubmissionFactory, is_unread=True, news_at=None),
    **{
        f"{table}_standing_known": lambda factory=factory: held_for(factory, **UNKNOWN)
        for table, factory in HELD.items()
    },
    **{
        f"{table}_standing_of_a_person": lambda factory=factory: held_for(factory, **NOBODYS_WORD)
        for table, factory in HELD.items()
    },
    **WEBHOOK_BREAKS,
}


# An unknown state is neither finished nor unfinished; PostgreSQL names the first that refuses.
FIRST_TOLD = {
    "prediction_state_known": "prediction_finished_has_time",
    "explanation_state_known": "explanation_finished_has_time",
    "outline_state_known": "outline_finished_has_time",
    "webhook_delivery_state_known": "webhook_delivery_finished_has_time",
}


@pytest.mark.parametrize("name", BREAKS)
def test_constraint_refuses(name):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BREAKS[name]()
    # SQLite names the columns of a unique constraint instead of the constraint.
    said = str(caught.value)
    assert name in said or FIRST_TOLD.get(name, "UNIQUE constraint failed") in said


OTHER_WAYS = [
    lambda: ReadingFactory(question=2, management="wait"),
    lambda: ReadingFactory(management="excise"),
    lambda: PredictionFactory(state="succeeded", probability=1.2),
    lambda: PredictionFactory(state="succeeded", calibrated_probability=-0.1),
    lambda: PredictionFactory(state="succeeded", probability=0.5, outcome="maybe"),
    lambda: PredictionFactory(state="succeeded", threshold_policy=None),
    lambda: PredictionFactory(refused=True, outcome="benign"),
    lambda: PredictionFactory(refused=True, outcome=""),
    lambda: PredictionFactory(refused=True, probability=0.5),
    lambda: PredictionFactory(refused=True, calibrated_probability=0.5),
    lambda: PredictionFactory(state="succeeded", refusal_code="blurred"),
    lambda: PredictionFactory(state="queued", refusal_code="blurred"),
    lambda: SubmissionImageFactory(gate_version="1"),
    lambda: PredictionFactory(state="running", claim=None),
    lambda: PredictionFactory(state="running", attempt=0),
    lambda: PredictionFactory(state="queued", finished_at=NOW),
    lambda: PredictionFactory(state="queued", probability=0.5),
    lambda: PredictionFactory(state="rejected", error_code=""),
    lambda: SubmissionFactory(cancelled_by=UserFactory()),
    lambda: SubmissionImageFactory(byte_size=0),
    lambda: ReviewFactory(amendment_reason="There was nothing to amend."),
    lambda: ReviewFactory(management="wait and see"),
    lambda: ReviewFactory(agreement="perhaps"),
]


@pytest.mark.parametrize("break_it", OTHER_WAYS)
def test_other_ways_to_break_them(break_it):
    with pytest.raises(IntegrityError), transaction.atomic():
        break_it()


def read_other_tests():
    here = Path(__file__)
    return "\n".join(path.read_text() for path in here.parents[2].rglob("test_*.py") if path != here)


def test_every_named_constraint_is_broken_somewhere():
    """Here, or beside the services that its rows come from, by its name."""
    ours = ("accounts", "audit", "classifier")
    models = [model for app in ours for model in apps.get_app_config(app).get_models()]
    named = {
        constraint.name
        for model in models
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint | UniqueConstraint)
    }
    assert set(BREAKS) <= named
    elsewhere = read_other_tests()
    assert [name for name in sorted(named - set(BREAKS)) if name not in elsewhere] == []


def test_finished_row_does_not_stand_in_the_way_of_a_new_try():
    failed = PredictionFactory(state="failed", finished_at=NOW - dt.timedelta(hours=1))
    assert PredictionFactory(image=failed.image, model_version=failed.model_version).state == "queued"


def test_what_was_judged_on_trial_may_be_judged_for_the_case():
    trial = PredictionFactory(state="succeeded", is_shadow=True)
    served = PredictionFactory(image=trial.image, model_version=trial.model_version)
    assert served.state == "queued"
    with pytest.raises(IntegrityError), transaction.atomic():
        PredictionFactory(image=trial.image, model_version=trial.model_version, is_shadow=True)


def test_same_record_number_in_two_clinics():
    first = PatientFactory()
    assert PatientFactory(clinic=ClinicFactory(), mrn=first.mrn).mrn == first.mrn
