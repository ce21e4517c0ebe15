import django.db.models.deletion
import portal.trust.encryption.fields
import uuid
from django.conf import settings
from django.db import migrations, models

from portal.trust.common.immutability import allow_change, refuse_change

GATED = "OLD.gated_at IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_clinic_targets"),
        ("classifier", "0014_outcome_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # SQLite rebuilds an altered table without its triggers.
        allow_change("classifier_review", may_bypass=True),
        allow_change("classifier_submissionimage", when=GATED, may_bypass=True),
        allow_change("classifier_consent"),
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "done",
                    models.CharField(
                        choices=[
                            ("referred", "Referred"),
                            ("excised", "Excised"),
                            ("biopsied", "Biopsied"),
                            ("seen", "Seen in person"),
                            ("new_image_sent", "New image sent"),
                            ("appointment", "Appointment made"),
                            ("patient_informed", "Patient informed"),
                            ("declined", "Patient declined"),
                            ("other", "Other, see the note"),
                        ],
                        max_length=16,
                    ),
                ),
                ("done_on", models.DateField(blank=True, null=True)),
                ("note", portal.trust.encryption.fields.EncryptedCharField(blank=True, max_length=500)),
                ("acknowledged_at", models.DateTimeField()),
                ("taken_back_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["acknowledged_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="ReadingClaim",
            fields=[
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="reading_claim",
                        serialize=False,
                        to="classifier.submission",
                    ),
                ),
                ("claimed_at", models.DateTimeField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="review",
            name="review_words_known",
        ),
        migrations.AddField(
            model_name="consent",
            name="origin",
            field=models.CharField(
                choices=[
                    ("stated", "Chosen by who recorded it"),
                    ("default", "Ticked by default"),
                    ("elsewhere", "Recorded in another system"),
                ],
                default="stated",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing",
            field=models.CharField(
                blank=True,
                choices=[
                    ("malignant", "Malignant"),
                    ("indeterminate", "Can't be told"),
                    ("refer", "Refer"),
                    ("not_judged", "Not judged"),
                    ("in_work", "In work"),
                    ("benign", "Benign"),
                    ("withdrawn", "Withdrawn"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_basis",
            field=models.CharField(
                blank=True,
                choices=[
                    ("histopathology", "Pathologist"),
                    ("review", "Dermatologist"),
                    ("model", "Model"),
                    ("state", "Portal"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_case",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="classifier.submission",
            ),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_diagnosis",
            field=models.CharField(blank=True, max_length=30),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_person",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="lesion",
            name="standing_rank",
            field=models.PositiveSmallIntegerField(default=9, help_text="0 is the most worrying."),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing",
            field=models.CharField(
                blank=True,
                choices=[
                    ("malignant", "Malignant"),
                    ("indeterminate", "Can't be told"),
                    ("refer", "Refer"),
                    ("not_judged", "Not judged"),
                    ("in_work", "In work"),
                    ("benign", "Benign"),
                    ("withdrawn", "Withdrawn"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_basis",
            field=models.CharField(
                blank=True,
                choices=[
                    ("histopathology", "Pathologist"),
                    ("review", "Dermatologist"),
                    ("model", "Model"),
                    ("state", "Portal"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_diagnosis",
            field=models.CharField(blank=True, max_length=30),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_lesion",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="classifier.lesion",
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_person",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="standing_rank",
            field=models.PositiveSmallIntegerField(default=9, help_text="0 is the most worrying."),
        ),
        migrations.AddField(
            model_name="review",
            name="stated_agreement",
            field=models.CharField(
                blank=True,
                choices=[
                    ("agrees", "Agrees with the model"),
                    ("disagrees", "Disagrees with the model"),
                    ("no_result", "The model gave no usable result"),
                    ("undetermined", "Can't be compared"),
                ],
                editable=False,
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="unseen_reason",
            field=portal.trust.encryption.fields.EncryptedCharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="submission",
            name="is_unread",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="submission",
            name="management",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no_action", "No further action"),
                    ("follow_up", "Follow up with a new image"),
                    ("new_image", "Ask for a new image"),
                    ("see_in_person", "See the patient in person"),
                    ("biopsy", "Biopsy"),
                    ("excise", "Excise"),
                    ("urgent_referral", "Urgent cancer referral"),
                ],
                help_text="Of the review in force.",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="model_answer",
            field=models.CharField(
                choices=[
                    ("malignant", "Malignant"),
                    ("refer", "Refer"),
                    ("benign", "Benign"),
                    ("not_judged", "Not judged"),
                    ("incomplete", "Incomplete"),
                    ("rejected", "Not judged"),
                    ("failed", "Failed"),
                    ("not_asked", "Not judged"),
                    ("queued", "In the queue"),
                    ("running", "In work"),
                    ("hidden", "Read first"),
                    ("cancelled", "Withdrawn"),
                ],
                default="queued",
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="model_probability",
            field=models.FloatField(
                blank=True,
                help_text="Calibrated P(malignant) of the image that speaks for the case.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="news_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="submission",
            name="order_due_at",
            field=models.DateTimeField(
                blank=True, help_text="Set while an order waits for its acknowledgement.", null=True
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing",
            field=models.CharField(
                blank=True,
                choices=[
                    ("malignant", "Malignant"),
                    ("indeterminate", "Can't be told"),
                    ("refer", "Refer"),
                    ("not_judged", "Not judged"),
                    ("in_work", "In work"),
                    ("benign", "Benign"),
                    ("withdrawn", "Withdrawn"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing_basis",
            field=models.CharField(
                blank=True,
                choices=[
                    ("histopathology", "Pathologist"),
                    ("review", "Dermatologist"),
                    ("model", "Model"),
                    ("state", "Portal"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing_diagnosis",
            field=models.CharField(blank=True, max_length=30),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing_person",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="standing_rank",
            field=models.PositiveSmallIntegerField(default=9, help_text="0 is the most worrying."),
        ),
        migrations.AddField(
            model_name="submission",
            name="state",
            field=models.CharField(
                choices=[
                    ("in_work", "In work"),
                    ("no_result", "No result"),
                    ("awaiting_review", "Waiting for review"),
                    ("reviewed", "Reviewed"),
                    ("cancelled", "Withdrawn"),
                ],
                default="in_work",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="withdrawal_reason",
            field=portal.trust.encryption.fields.EncryptedCharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="submissionimage",
            name="dermoscopic_type",
            field=models.CharField(
                blank=True,
                choices=[
                    ("contact_polarized", "Contact, polarised"),
                    ("contact_non_polarized", "Contact, not polarised"),
                    ("non_contact_polarized", "Without contact, polarised"),
                ],
                max_length=21,
            ),
        ),
        migrations.AlterField(
            model_name="patient",
            name="consents_to_inference",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="review",
            name="agreement",
            field=models.CharField(
                choices=[
                    ("agrees", "Agrees with the model"),
                    ("disagrees", "Disagrees with the model"),
                    ("no_result", "The model gave no usable result"),
                    ("undetermined", "Can't be compared"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="lesion",
            index=models.Index(fields=["patient", "standing_rank"], name="lesion_by_risk"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["clinic", "standing_rank", "standing_at"], name="patient_by_risk"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["signed_by", "-signed_at"], name="review_by_signer"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                fields=["clinic", "standing_rank", "-submitted_at", "-id"], name="submission_by_risk"
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["clinic", "standing", "-submitted_at"], name="submission_by_standing"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["clinic", "state", "-submitted_at"], name="submission_by_state"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                fields=["clinic", "model_answer", "-submitted_at"], name="submission_by_answer"
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("order_due_at__isnull", False)),
                fields=["clinic", "order_due_at"],
                name="submission_open_orders",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("is_unread", True)),
                fields=["clinic", "standing_rank", "news_at"],
                name="submission_unread",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["stated", "default", "elsewhere"])),
                name="consent_origin_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="lesion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", ""), ("standing_basis", "")),
                    models.Q(
                        (
                            "standing__in",
                            [
                                "malignant",
                                "indeterminate",
                                "refer",
                                "not_judged",
                                "in_work",
                                "benign",
                                "withdrawn",
                            ],
                        ),
                        ("standing_basis__in", ["histopathology", "review", "model", "state"]),
                    ),
                    _connector="OR",
                ),
                name="lesion_standing_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="lesion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("standing_basis__in", ["histopathology", "review"]),
                        models.Q(("standing_diagnosis", ""), _negated=True),
                        ("standing_person__isnull", False),
                    ),
                    models.Q(
                        models.Q(("standing_basis__in", ["histopathology", "review"]), _negated=True),
                        ("standing_diagnosis", ""),
                        ("standing_person__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="lesion_standing_of_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", ""), ("standing_basis", "")),
                    models.Q(
                        (
                            "standing__in",
                            [
                                "malignant",
                                "indeterminate",
                                "refer",
                                "not_judged",
                                "in_work",
                                "benign",
                                "withdrawn",
                            ],
                        ),
                        ("standing_basis__in", ["histopathology", "review", "model", "state"]),
                    ),
                    _connector="OR",
                ),
                name="patient_standing_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("standing_basis__in", ["histopathology", "review"]),
                        models.Q(("standing_diagnosis", ""), _negated=True),
                        ("standing_person__isnull", False),
                    ),
                    models.Q(
                        models.Q(("standing_basis__in", ["histopathology", "review"]), _negated=True),
                        ("standing_diagnosis", ""),
                        ("standing_person__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="patient_standing_of_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "diagnosis__in",
                        [
                            "naevus",
                            "melanoma",
                            "basal_cell_carcinoma",
                            "squamous_cell_carcinoma",
                            "actinic_keratosis",
                            "seborrhoeic_keratosis",
                            "dermatofibroma",
                            "vascular_lesion",
                            "other_benign",
                            "other_malignant",
                            "indeterminate",
                        ],
                    ),
                    ("agreement__in", ["agrees", "disagrees", "no_result", "undetermined"]),
                    (
                        "management__in",
                        [
                            "no_action",
                            "follow_up",
                            "new_image",
                            "see_in_person",
                            "biopsy",
                            "excise",
                            "urgent_referral",
                        ],
                    ),
                    ("stated_agreement__in", ["", "agrees", "disagrees", "no_result", "undetermined"]),
                ),
                name="review_words_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("withdrawal_reason", ""), ("cancelled_at__isnull", False), _connector="OR"
                ),
                name="submission_reason_of_a_withdrawal",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["in_work", "no_result", "awaiting_review", "reviewed", "cancelled"]),
                    (
                        "model_answer__in",
                        [
                            "malignant",
                            "refer",
                            "benign",
                            "not_judged",
                            "incomplete",
                            "rejected",
                            "failed",
                            "not_asked",
                            "queued",
                            "running",
                            "hidden",
                            "cancelled",
                        ],
                    ),
                ),
                name="submission_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", ""), ("standing_basis", "")),
                    models.Q(
                        (
                            "standing__in",
                            [
                                "malignant",
                                "indeterminate",
                                "refer",
                                "not_judged",
                                "in_work",
                                "benign",
                                "withdrawn",
                            ],
                        ),
                        ("standing_basis__in", ["histopathology", "review", "model", "state"]),
                    ),
                    _connector="OR",
                ),
                name="submission_standing_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("standing_basis__in", ["histopathology", "review"]),
                        models.Q(("standing_diagnosis", ""), _negated=True),
                        ("standing_person__isnull", False),
                    ),
                    models.Q(
                        models.Q(("standing_basis__in", ["histopathology", "review"]), _negated=True),
                        ("standing_diagnosis", ""),
                        ("standing_person__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="submission_standing_of_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("order_due_at__isnull", True),
                    models.Q(
                        (
                            "management__in",
                            [
                                "urgent_referral",
                                "excise",
                                "biopsy",
                                "see_in_person",
                                "new_image",
                                "follow_up",
                            ],
                        ),
                        ("state", "reviewed"),
                    ),
                    _connector="OR",
                ),
                name="submission_order_is_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_unread", False), ("news_at__isnull", False), _connector="OR"),
                name="submission_unread_has_news",
            ),
        ),
        migrations.AddConstraint(
            model_name="submissionimage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("capture_kind__in", ["dermoscopic", "clinical", "overview"]),
                    models.Q(
                        ("dermoscopic_type", ""),
                        models.Q(
                            ("capture_kind", "dermoscopic"),
                            (
                                "dermoscopic_type__in",
                                ["contact_polarized", "contact_non_polarized", "non_contact_polarized"],
                            ),
                        ),
                        _connector="OR",
                    ),
                ),
                name="image_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="acknowledgement",
            name="acknowledged_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="acknowledgement",
            name="review",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="acknowledgements",
                to="classifier.review",
            ),
        ),
        migrations.AddField(
            model_name="acknowledgement",
            name="taken_back_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="readingclaim",
            name="reader",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("taken_back_at__isnull", True)),
                fields=("review",),
                name="acknowledgement_one_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "done__in",
                        [
                            "referred",
                            "excised",
                            "biopsied",
                            "seen",
                            "new_image_sent",
                            "appointment",
                            "patient_informed",
                            "declined",
                            "other",
                        ],
                    )
                ),
                name="acknowledgement_words_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done", "other"), _negated=True),
                    models.Q(("note", ""), _negated=True),
                    _connector="OR",
                ),
                name="acknowledgement_other_has_note",
            ),
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("taken_back_at__isnull", True), ("taken_back_by__isnull", True)),
                    models.Q(("taken_back_at__isnull", False), ("taken_back_by__isnull", False)),
                    _connector="OR",
                ),
                name="acknowledgement_taken_back_by_someone",
            ),
        ),
        migrations.AddConstraint(
            model_name="readingclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("claimed_at"))), name="reading_claim_ends_later"
            ),
        ),
        refuse_change("classifier_review", may_bypass=True),
        refuse_change("classifier_submissionimage", when=GATED, may_bypass=True),
        refuse_change("classifier_consent"),
    ]
