import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from portal.trust.common.immutability import allow_change, refuse_change

DONE = "OLD.state IN ('succeeded', 'failed')"


def write_first_consents(apps, editor):
    """What was one tick: a row for each patient, by who added the patient, then."""
    Patient, Consent = apps.get_model("classifier", "Patient"), apps.get_model("classifier", "Consent")
    rows = Patient.objects.values_list("pk", "consents_to_inference", "created_at", "created_by")
    Consent.objects.bulk_create(
        (
            Consent(
                patient_id=pk,
                purpose="inference",
                is_given=is_given,
                recorded_at=created_at,
                recorded_by_id=created_by,
            )
            for pk, is_given, created_at, created_by in rows.iterator()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_retention"),
        ("classifier", "0009_encrypt_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("inference", "A model judges the images"),
                            ("teaching", "The images are used to teach"),
                            ("training", "The data leave in exports, also to train models"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_given", models.BooleanField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-recorded_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="FileRemoval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "store",
                    models.CharField(
                        choices=[("sealed", "Originals"), ("derived", "Pictures made from them")],
                        max_length=8,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("not_before", models.DateTimeField(db_index=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="patient",
            name="consents_to_teaching",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="consents_to_training",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="is_on_hold",
            field=models.BooleanField(default=False, help_text="Legal hold: never erased."),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True),
                    models.Q(
                        ("birth_date__isnull", True),
                        ("is_on_hold", False),
                        ("sex", "unknown"),
                        ("skin_type", ""),
                    ),
                    _connector="OR",
                ),
                name="patient_erased_says_nothing",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="classifier.patient"
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="recorded_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="fileremoval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("store__in", ["sealed", "derived"]), models.Q(("name", ""), _negated=True)
                ),
                name="file_removal_names_a_file",
            ),
        ),
        migrations.AddIndex(
            model_name="consent",
            index=models.Index(fields=["patient", "-recorded_at"], name="classifier__patient_082a74_idx"),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["inference", "teaching", "training"])),
                name="consent_purpose_known",
            ),
        ),
        refuse_change("classifier_consent"),
        allow_change("classifier_explanation", when=DONE),
        refuse_change("classifier_explanation", when=DONE, may_bypass=True),
        # Last: PostgreSQL alters no table whose new rows are still to be checked.
        migrations.RunPython(write_first_consents, migrations.RunPython.noop),
    ]
