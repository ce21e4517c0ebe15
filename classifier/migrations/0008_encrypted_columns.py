from django.db import migrations

from portal.trust.encryption.fields import (
    BlindIndexField,
    EncryptedCharField,
    EncryptedDateField,
    EncryptedTextField,
)
from portal.trust.common.immutability import allow_change, refuse_change

GATED = "OLD.gated_at IS NOT NULL"


class Migration(migrations.Migration):
    """Columns that can hold ciphertext. What they hold now is encrypted by the next migration."""

    dependencies = [
        ("accounts", "0001_initial"),
        ("common", "0001_initial"),
        ("classifier", "0007_emergency_access"),
    ]

    operations = [
        # SQLite rebuilds an altered table without its triggers. The new ones let through what a new
        # key or an erasure demands.
        allow_change("classifier_review"),
        allow_change("classifier_submissionimage", when=GATED),
        migrations.AlterModelOptions(name="patient", options={"ordering": ["created_at", "id"]}),
        migrations.RemoveConstraint(model_name="patient", name="patient_unique_mrn_in_clinic"),
        migrations.RemoveConstraint(model_name="patient", name="patient_mrn_given"),
        migrations.AddField(
            model_name="patient",
            name="mrn_index",
            field=BlindIndexField(default="", editable=False, max_length=64, source="mrn"),
        ),
        migrations.AlterField(
            model_name="patient",
            name="mrn",
            field=EncryptedCharField(
                help_text="Medical record number in this clinic.",
                index_field="mrn_index",
                max_length=64,
                verbose_name="MRN",
            ),
        ),
        migrations.AlterField(
            model_name="patient",
            name="birth_date",
            field=EncryptedDateField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="lesion",
            name="note",
            field=EncryptedCharField(
                blank=True, help_text="What tells it from its neighbours.", max_length=120
            ),
        ),
        migrations.AlterField(
            model_name="submission",
            name="clinical_question",
            field=EncryptedCharField(blank=True, max_length=500),
        ),
        migrations.AlterField(
            model_name="submission",
            name="clinical_history",
            field=EncryptedTextField(blank=True, max_length=4000),
        ),
        migrations.AlterField(
            model_name="submissionimage",
            name="original_name",
            field=EncryptedCharField(blank=True, max_length=255),
        ),
        migrations.AlterField(
            model_name="review",
            name="comment",
            field=EncryptedTextField(blank=True, max_length=4000),
        ),
        migrations.AlterField(
            model_name="review",
            name="amendment_reason",
            field=EncryptedCharField(blank=True, max_length=500),
        ),
        refuse_change("classifier_review", may_bypass=True),
        refuse_change("classifier_submissionimage", when=GATED, may_bypass=True),
    ]
