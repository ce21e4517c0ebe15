"""An installation with cases is upgraded: nothing is lost, and what never changed still never does."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from classifier.cases.hand_over import find_open_work
from classifier.domain.errors import ConflictError
from classifier.models import (
    Acknowledgement,
    Consent,
    EmergencyAccess,
    Lesion,
    Outline,
    Patient,
    Prediction,
    Reading,
    RefusedEmergency,
    Review,
    Submission,
)
from classifier.models.patient import make_public_id
from classifier.patients.look_alikes import find_look_alikes
from classifier.privacy.emergency_access import open_emergency
from classifier.standing.columns import find_differences
from classifier.standing.hiding import find_unseen_reading
from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.models import Membership, User
from portal.trust.accounts.people.closing import reopen_membership
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.factories import (
    PROBABILITIES,
    ClinicFactory,
    LesionFactory,
    MembershipFactory,
    ModelVersionFactory,
    OutlineFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    Staff,
    SubmissionFactory,
    active_model,
    answered_submission,
    refused_image,
    staff_clinic,
    tiny_specification,
    two_clinics,
)

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*names: str, app: str = "classifier") -> None:
    MigrationExecutor(connection).migrate([(app, name) for name in names])


@pytest.fixture
def newest() -> Iterator[Callable[[], None]]:
    """Migrate to the newest; done after the test whatever happens."""
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    found = [(app, name) for app, name in leaves if app in ("accounts", "classifier")]
    yield lambda: MigrationExecutor(connection).migrate(found)
    MigrationExecutor(connection).migrate(found)


def assert_finished_never_changes():
    with (
        pytest.raises(DatabaseError, match="never change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE classifier_prediction SET device = 'another'")


COLUMNS = {
    "classifier_patient": ("mrn", "birth_date"),
    "classifier_submission": ("clinical_question", "clinical_history"),
    "classifier_review": ("comment", "amendment_reason"),
    "classifier_submissionimage": ("original_name",),
}


def read_raw():
    """Every text as it lies in the database, by column."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            for column in columns:
                cursor.execute(f"SELECT {column} FROM {table} ORDER BY {column}")
                found[f"{table}.{column}"] = [str(row[0]) for row in cursor.fetchall()]
    return found


def test_gates_come_to_results_and_rows_are_encrypted_and_plain_again_on_the_way_back(newest):
    """One way back, past both."""
    case = SubmissionFactory(
        clinical_history="Noticed in May.", lesion=LesionFactory(patient=PatientFactory(mrn="A 1"))
    )
    amended = ReviewFactory(amends=ReviewFactory(submission=case, comment="Regular."))
    refused_image(submission=case, original_name="spot.jpg")
    row = PredictionFactory(submission=case, state="succeeded", outcome="malignant")
    patient = case.lesion.patient
    migrate("0004_explanation")
    plain = read_raw()
    assert plain["classifier_patient.mrn"] == ["A 1"]
    assert plain["classifier_patient.birth_date"] == ["1970-05-17"]
    assert plain["classifier_submissionimage.original_name"] == ["lesion.jpg", "spot.jpg"]
    assert plain["classifier_review.amendment_reason"] == ["", "Histology came back."]
    migrate("0002_immutable_answers")
    assert_finished_never_changes()
    migrate("0003_gates")
    assert_finished_never_changes()
    newest()
    judged = Prediction.objects.get()
    assert (judged.pk, judged.outcome, judged.refusal_code) == (row.pk, "malignant", "")
    image = judged.image
    assert (image.gate_version, image.gate_refusals, image.gated_at) == ("", [], None)
    for column, texts in read_raw().items():
        assert all(text == "" or text.startswith("dpe1:") for text in texts), column
    found = Patient.objects.get(clinic=patient.clinic, mrn="A 1")
    assert (found.pk, found.birth_date) == (patient.pk, patient.birth_date)
    assert [(row.purpose, row.is_given) for row in patient.consents.all()] == [("inference", True)]
    assert Submission.objects.get().clinical_history == "Noticed in May."
    assert Review.objects.get(pk=amended.pk).amendment_reason == "Histology came back."
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Review._base_manager.all().update(comment="changed")


# --- 0015, 0016: what a case is held for, in columns ----------------------------------------------
BEFORE_STANDING = "0014_outcome_texts"
NOW = timezone.now()


def old_model(name: str, app: str = "classifier"):
    """The model as migration 0014 knew it; today's factories write columns that are not there yet."""
    return old_state().apps.get_model(app, name)


@cache
def old_state():
    return MigrationExecutor(connection).loader.project_state([("classifier", BEFORE_STANDING)])


@dataclass
class OldClinic:
    """Rows as they lay in a database before the upgrade, written through the models of that time."""

    staff: Staff
    model: Any

    def ago(self, days: float) -> dt.datetime:
        return NOW - dt.timedelta(days=days)

    def lesion(self):
        """Of a patient as the form of that time wrote them, with the consent that it had ticked."""
        patient = old_model("Patient").objects.create(
            clinic_id=self.staff.clinic.pk,
            public_id=make_public_id(),
            mrn=str(uuid.uuid4()),
            mrn_index=uuid.uuid4().hex,
            consents_to_inference=True,
            created_by_id=self.staff.clinician.pk,
        )
        old_model("Consent").objects.create(
            patient_id=patient.pk,
            purpose="inference",
            is_given=True,
            recorded_at=patient.created_at,
            recorded_by_id=self.staff.clinician.pk,
        )
        return old_model("Lesion").objects.create(
            patient_id=patient.pk, body_site="unspecified", created_by_id=self.staff.clinician.pk
        )

    def case(self, *outcomes: str, lesion=None, days: float = 10, kind: str = "dermoscopic", **values: Any):
        row = old_model("Submission").objects.create(
            clinic_id=self.staff.clinic.pk,
            lesion_id=(lesion or self.lesion()).pk,
            submitted_by_id=self.staff.clinician.pk,
            submitted_at=self.ago(days),
            **values,
        )
        for position, outcome in enumerate(outcomes, start=1):
            image = old_model("SubmissionImage").objects.create(
                submission_id=row.pk,
                clinic_id=self.staff.clinic.pk,
                position=position,
                original=f"a/{uuid.uuid4()}",
                derivative=f"a/{uuid.uuid4()}",
                thumbnail=f"a/{uuid.uuid4()}",
                format="JPEG",
                byte_size=10,
                width=300,
                height=300,
                capture_kind=kind,
            )
            old_model("Prediction").objects.create(
                image_id=image.pk,
                model_version_id=self.model.pk,
                state="succeeded",
                queued_at=self.ago(days),
                finished_at=self.ago(days),
                attempt=1,
                claim=uuid.uuid4(),
                worker="x",
                started_at=self.ago(days),
                outcome=outcome,
                probability=PROBABILITIES[outcome],
                calibrated_probability=PROBABILITIES[outcome],
                threshold_policy=self.model.policy,
                device="CPU: test",
            )
        return row

    def sign(self, case, diagnosis: str, management: str, agreement: str, *, days: float = 5, **values: Any):
        return old_model("Review").objects.create(
            submission_id=case.pk,
            diagnosis=diagnosis,
            management=management,
            agreement=agreement,
            comment="Regular.",
            signed_by_id=self.staff.dermatologist.pk,
            signed_at=self.ago(days),
            **values,
        )

    def open(self, case) -> None:
        record_event(
            clinic_id=self.staff.clinic.pk,
            action="submission.viewed",
            actor=self.staff.clinician,
            obj=Submission(pk=case.pk),
        )

    def histopathology(self, lesion, diagnosis: str, *, days: float):
        day = timezone.localdate(self.ago(days))
        return old_model("Outcome").objects.create(
            lesion_id=lesion.pk,
            diagnosis=diagnosis,
            procedure="excision",
            specimen_taken_on=day,
            reported_on=day,
            recorded_by_id=self.staff.clinician.pk,
            recorded_at=self.ago(days),
        )


def test_standing_comes_to_a_database_with_cases(newest):
    staff, model = staff_clinic(), active_model()
    migrate(BEFORE_STANDING)
    old = OldClinic(staff, model)
    missed, proven, unread, opened = (
        old.case("benign"),
        old.case("benign"),
        old.case("malignant"),
        old.case("refer"),
    )
    reviews = {
        "missed": old.sign(missed, "melanoma", "excise", "agrees"),
        "proven": old.sign(proven, "naevus", "no_action", "agrees"),
    }
    old.histopathology(Lesion(pk=proven.lesion_id), "melanoma_invasive", days=1)
    old.open(opened)
    answered = old.case("refer", days=20)
    reviews["answered"] = old.sign(answered, "indeterminate", "new_image", "disagrees", days=18)
    again = old.case("benign", lesion=Lesion(pk=answered.lesion_id), days=9)
    biopsied = old.case("malignant", days=30)
    reviews["biopsied"] = old.sign(biopsied, "melanoma", "biopsy", "agrees", days=29)
    old.histopathology(Lesion(pk=biopsied.lesion_id), "naevus", days=25)
    amended = old.case("malignant")
    first = old.sign(amended, "melanoma", "excise", "agrees")
    reviews["amended"] = old.sign(
        amended, "naevus", "no_action", "agrees", days=4, amends_id=first.pk, amendment_reason="Slip."
    )
    withdrawn = old.case("benign", cancelled_at=old.ago(1), cancelled_by_id=staff.clinician.pk)
    events = list(AuditEvent.objects.order_by("pk").values_list("pk", "hash"))
    counts = [model.objects.count() for model in (Prediction, Lesion)]
    newest()

    rows = Submission.objects.in_bulk()
    assert {
        name: (rows[case.pk].standing, rows[case.pk].standing_basis)
        for name, case in {
            "missed": missed,
            "proven": proven,
            "unread": unread,
            "opened": opened,
            "answered": answered,
            "again": again,
            "biopsied": biopsied,
            "amended": amended,
            "withdrawn": withdrawn,
        }.items()
    } == {
        "missed": ("malignant", "review"),
        "proven": ("malignant", "histopathology"),
        "unread": ("malignant", "model"),
        "opened": ("refer", "model"),
        "answered": ("indeterminate", "review"),
        "again": ("benign", "model"),
        "biopsied": ("benign", "histopathology"),
        "amended": ("benign", "review"),
        "withdrawn": ("withdrawn", "state"),
    }
    assert list(find_differences()) == []
    # Agreement follows from the diagnosis; what was stated is kept.
    said = {
        name: (row.agreement, row.stated_agreement)
        for name, row in ((name, Review.objects.get(pk=row.pk)) for name, row in reviews.items())
    }
    assert said == {
        "missed": ("disagrees", "agrees"),
        "proven": ("agrees", "agrees"),
        "answered": ("no_result", "disagrees"),
        "biopsied": ("agrees", "agrees"),
        "amended": ("disagrees", "agrees"),
    }
    # Open is what nothing answered.
    assert set(Submission.objects.with_open_order().values_list("pk", flat=True)) == {missed.pk}
    done = {row.review_id: row.done for row in Acknowledgement.objects.all()}
    assert done == {reviews["answered"].pk: "new_image_sent", reviews["biopsied"].pk: "biopsied"}
    # Unread is what its clinician did not open since.
    assert rows[unread.pk].is_unread
    assert rows[missed.pk].is_unread
    assert not rows[opened.pk].is_unread
    assert not rows[withdrawn.pk].is_unread
    assert set(Consent.objects.values_list("origin", flat=True)) == {"default"}
    # Nothing is lost, and nothing that never changes was changed.
    assert [model.objects.count() for model in (Prediction, Lesion)] == counts
    assert Review.objects.count() == 6
    assert list(AuditEvent.objects.order_by("pk").values_list("pk", "hash")) == events
    assert list(verify_chains()) == []
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Review._base_manager.all().update(comment="changed")


# --- 0017 to 0020, accounts 0012: rows for what was asked of the audit log until then --------------
def test_rows_come_to_a_database_whose_audit_log_held_them(newest, settings):
    settings.DERMAPORT_EMERGENCY_ATTEMPTS = 3
    side = two_clinics()
    staff, clinic = side.own, side.own.clinic
    active_model()
    cases = [answered_submission(staff, "malignant") for _ in range(3)]
    colleague = MembershipFactory(clinic=clinic, role="dermatologist").user
    patients = [PatientFactory(clinic=clinic) for _ in range(2)]
    opened = EmergencyAccess.objects.create(
        user=staff.clinician,
        home_clinic=clinic,
        patient=PatientFactory(clinic=side.other.clinic),
        clinic=side.other.clinic,
        reason="Unconscious in our emergency room.",
        granted_at=timezone.now(),
        expires_at=timezone.now() + dt.timedelta(minutes=30),
    )
    ended = {
        name: MembershipFactory(clinic=clinic, is_active=False, user__is_active=name == "open again")
        for name in ("closed here", "closed by the operator", "closed by the operator later", "open again")
    }
    migrate("0016_fill_standing")
    migrate("0011_clinic_targets", app="accounts")

    def write(action, obj=None, *, of=clinic, by=staff.administrator, **details):
        return record_event(clinic_id=of.pk, action=action, actor=by, obj=obj, details=details)

    # The version before, in its own words.
    first = write("submission.read_unseen", cases[0], by=staff.dermatologist, diagnosis="naevus")
    for case, reader, diagnosis in (
        (cases[0], staff.dermatologist, "melanoma"),
        (cases[0], colleague, "indeterminate"),
        (cases[1], staff.dermatologist, "melanoma"),
    ):
        write("submission.read_unseen", case, by=reader, diagnosis=diagnosis)
    write("submission.viewed", cases[2], by=staff.dermatologist)
    write("patient.updated", patients[0], fields=["sex"])
    corrected = write("patient.updated", patients[0], fields=["skin_type"])
    write("patient.viewed", patients[1])
    moved = write("lesion.updated", cases[0].lesion, fields=["body_site"])
    for _ in range(2):
        said = {"clinic": str(side.other.clinic.pk), "home_clinic": str(clinic.pk)}
        for chain in (side.other.clinic, clinic):
            write("emergency.refused", of=chain, by=staff.clinician, **said)
    for name in ("closed here", "closed by the operator later", "open again"):
        write("user.closed", ended[name].user)
    for name in ("closed by the operator later", "open again"):
        write("user.reopened", ended[name].user)
    assert list(verify_chains()) == []
    events = list(AuditEvent.objects.order_by("chain", "position").values_list("pk", "hash"))

    newest()

    kept = set(
        Reading.objects.values_list(
            "submission", "reader", "diagnosis", "question", "management", "confidence"
        )
    )
    assert kept == {
        (cases[0].pk, staff.dermatologist.pk, "naevus", 1, "", None),
        (cases[0].pk, colleague.pk, "indeterminate", 1, "", None),
        (cases[1].pk, staff.dermatologist.pk, "melanoma", 1, "", None),
    }
    assert Reading.objects.get(submission=cases[0], reader=staff.dermatologist).read_at == first.occurred_at
    assert find_unseen_reading(reader=staff.dermatologist, submission=cases[0]) == "naevus"
    work = find_open_work(person=staff.dermatologist, clinic_id=clinic.pk)
    assert set(work.readings) == {cases[0], cases[1]}
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Reading._base_manager.all().update(diagnosis="melanoma")

    assert dict(
        Patient.objects.filter(pk__in=[row.pk for row in patients]).values_list("pk", "corrected_at")
    ) == {
        patients[0].pk: corrected.occurred_at,
        patients[1].pk: None,
    }

    assert dict(Lesion.objects.exclude(corrected_at=None).values_list("pk", "corrected_at")) == {
        cases[0].lesion_id: moved.occurred_at
    }

    tries = list(RefusedEmergency.objects.values_list("user", "home_clinic", "clinic"))
    assert tries == [(staff.clinician.pk, clinic.pk, side.other.clinic.pk)] * 2
    assert EmergencyAccess.objects.get() == opened
    with pytest.raises(ConflictError, match="You tried 3 times"):
        open_emergency(
            actor=staff.clinician,
            home_clinic=clinic,
            clinic=side.other.clinic,
            reason="Unconscious in our emergency room.",
            public_id="P-NOBODY22",
        )

    closed_by = {name: User.objects.get(pk=row.user_id).closed_by for name, row in ended.items()}
    assert closed_by == {**dict.fromkeys(ended), "closed here": clinic}
    with pytest.raises(PeopleError, match="closed by somebody else"):
        reopen_membership(
            actor=staff.administrator,
            membership=Membership.objects.get(pk=ended["closed by the operator"].pk),
        )
    assert list(AuditEvent.objects.order_by("chain", "position").values_list("pk", "hash")) == events
    reopen_membership(
        actor=staff.administrator, membership=Membership.objects.get(pk=ended["closed here"].pk)
    )
    assert User.objects.get(pk=ended["closed here"].user_id).is_active
    assert list(verify_chains()) == []


# --- 0022: one form of a record number -------------------------------------------------------------
def test_record_numbers_come_to_one_form_and_no_history_is_joined(newest):
    side = two_clinics()
    clinic = side.own.clinic
    stored = {
        "alone": "\u200bA-1",
        "in two characters": "E\u0301-2",
        "as it was": "MRN 3",
        "twin": "B\u00ad-4",
        "its other": "B-4",
        "elder of two": "C\u200b-5",
        "younger of two": "C-\u200b5",
        "nothing that is seen": "\u200b",
    }
    rows = {name: PatientFactory(clinic=clinic, mrn=mrn) for name, mrn in stored.items()}
    abroad = PatientFactory(clinic=side.other.clinic, mrn="A-1")
    case = SubmissionFactory(lesion=LesionFactory(patient=rows["alone"]))
    review = ReviewFactory(submission=case)
    record_event(clinic_id=clinic.pk, action="patient.viewed", actor=side.own.clinician, obj=rows["alone"])
    events = list(AuditEvent.objects.order_by("chain", "position").values_list("pk", "hash"))
    migrate("0021_webhook_signature")

    newest()

    kept = {row.pk: row.mrn for row in Patient.objects.all()}
    now = {**stored, "alone": "A-1", "in two characters": "\u00c9-2", "elder of two": "C-5"}
    assert kept == {**{rows[name].pk: mrn for name, mrn in now.items()}, abroad.pk: "A-1"}
    for name in ("alone", "in two characters", "its other", "elder of two"):
        assert Patient.objects.get(clinic=clinic, mrn=now[name]) == rows[name]
    alike = find_look_alikes(Patient.objects.filter(clinic=clinic))
    assert alike == [
        [rows["twin"].pk, rows["its other"].pk],
        [rows["elder of two"].pk, rows["younger of two"].pk],
    ]
    found = Patient.objects.get(pk=rows["alone"].pk)
    assert (found.public_id, found.birth_date) == (rows["alone"].public_id, rows["alone"].birth_date)
    assert list(Submission.objects.filter(lesion__patient=found)) == [case]
    assert Review.objects.get() == review
    assert list(AuditEvent.objects.order_by("chain", "position").values_list("pk", "hash")) == events
    assert list(verify_chains()) == []


def test_standing_is_worked_out_anew_where_its_rule_changed(newest):
    """Columns that the version before had filled by its rule come to today's, and nothing is news of it."""
    case = answered_submission(staff_clinic(), "malignant")
    migrate("0022_normalise_record_numbers")
    events = AuditEvent.objects.count()
    former = {"standing": "benign", "standing_rank": 6}
    Submission.objects.update(**former, is_unread=False, news_at=None)
    Lesion.objects.update(**former)
    Patient.objects.update(**former)

    newest()

    assert list(find_differences()) == []
    case.refresh_from_db()
    assert (case.standing, case.is_unread) == ("malignant", False)
    assert AuditEvent.objects.count() == events


# --- 0024: what a figure is worth in its clinic ----------------------------------------------------
def test_results_of_before_keep_their_figures_and_are_told_for_their_clinic(newest):
    """Of a network of 1.1.0, which tells by its figures what it was calibrated on, and of one that can't."""
    own, other = two_clinics().own.clinic, staff_clinic().clinic
    told = tiny_specification("told") | {
        "calibration": {"method": "platt", "a": 1.0, "b": 0.0},
        "metrics": {"out_of_fold": {"images": 3484, "malignant": 1491}},
    }
    known = ModelVersionFactory(name="told", sha256=told["sha256"], specification=told)
    silent = ModelVersionFactory()
    broken = ModelVersionFactory(specification={"policy": silent.policy})
    rows = [
        PredictionFactory(
            submission=SubmissionFactory(clinic=clinic),
            state="succeeded",
            outcome="malignant",
            probability=0.64,
            model_version=version,
        )
        for clinic, version in ((own, known), (other, known), (own, silent), (own, broken))
    ]
    shadow = PredictionFactory(image=rows[2].image, model_version=known, state="succeeded", is_shadow=True)
    refused, failed = PredictionFactory(refused=True), PredictionFactory(state="failed")
    queued = PredictionFactory()
    ReviewFactory(submission=rows[0].image.submission)
    names = ("pk", "probability", "calibrated_probability", "outcome", "threshold_policy", "finished_at")
    before = list(Prediction.objects.order_by("pk").values_list(*names))
    migrate("0023_refresh_standing")
    # The clinic had said so before its results were told for it: both come with one upgrade, in two steps.
    type(other).objects.filter(pk=other.pk).update(kind="dermatology")

    newest()

    assert list(Prediction.objects.order_by("pk").values_list(*names)) == before
    worth = ("prevalence", "predictive_value", "predictive_low", "predictive_high", "distance", "is_far")
    found = {row.pk: [getattr(row, name) for name in worth] for row in Prediction.objects.all()}
    nothing, rest = [None] * 6, [None, None, None, False]
    nothing[-1] = False
    assert found == {
        rows[0].pk: [0.03, pytest.approx(0.0685, abs=1e-4), *rest],
        rows[1].pk: [0.15, pytest.approx(0.2955, abs=1e-4), *rest],
        rows[2].pk: [0.03, None, *rest],
        rows[3].pk: [0.03, None, *rest],
        shadow.pk: [0.03, pytest.approx(0.0056, abs=1e-4), *rest],
        **{row.pk: nothing for row in (refused, failed, queued)},
    }
    assert list(find_differences()) == []
    assert_finished_never_changes()
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Prediction._base_manager.filter(pk=rows[0].pk).update(prevalence=0.5)


# --- 0025: what a network says that a lesion could be ----------------------------------------------
def test_results_from_before_name_no_diagnoses_and_stay_as_they_are(newest):
    staff = staff_clinic()
    cases = [answered_submission(staff, outcome) for outcome in ("malignant", "benign", "refer")]
    PredictionFactory(refused=True, submission=cases[0])
    ReviewFactory(submission=cases[1])
    names = ["pk", "image", "state", "outcome", "refusal_code", "probability", "calibrated_probability"]
    names += ["threshold_policy", "device", "timings", "finished_at"]
    before = list(Prediction.objects.order_by("pk").values(*names))
    migrate("0024_predictive_value")
    assert_finished_never_changes()

    newest()

    assert list(Prediction.objects.order_by("pk").values(*names)) == before
    assert {row.could_be for row in Prediction.objects.all()} == {None}
    assert list(find_differences()) == []
    assert_finished_never_changes()


# --- 0026: where the lesion lies -------------------------------------------------------------------
def test_outlines_come_to_an_installation_that_has_cases(newest):
    """Nothing of a case changes; an outline never does; the way back drops outlines alone."""
    case = ReviewFactory(submission__clinic=ClinicFactory()).submission
    row = PredictionFactory(submission=case, state="succeeded", outcome="malignant")
    OutlineFactory(image=row.image, state="succeeded")
    before = [list(model.objects.order_by("pk").values()) for model in (Submission, Prediction, Review)]
    events = AuditEvent.objects.count()
    migrate("0025_diagnoses")
    assert "classifier_outline" not in connection.introspection.table_names()
    assert_finished_never_changes()
    newest()
    assert [
        list(model.objects.order_by("pk").values()) for model in (Submission, Prediction, Review)
    ] == before
    assert (AuditEvent.objects.count(), Outline.objects.count()) == (events, 0)
    assert list(find_differences()) == []
    assert_finished_never_changes()
    OutlineFactory(image=row.image, state="succeeded")
    with (
        pytest.raises(DatabaseError, match="never change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE classifier_outline SET points = '[]'")
