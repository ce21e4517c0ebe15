from django.db import migrations, models

from portal.trust.encryption.rows import decrypt_rows, encrypt_rows

MODELS = ("Patient", "Lesion", "Submission", "SubmissionImage", "Review")


def encrypt(apps, editor):
    for name in MODELS:
        for _ in encrypt_rows(apps.get_model("classifier", name)):
            pass
    settle(editor)


def decrypt(apps, editor):
    for name in MODELS:
        decrypt_rows(apps.get_model("classifier", name))
    settle(editor)


def settle(editor):
    """PostgreSQL alters no table while a deferred check of one of its rows is pending."""
    if editor.connection.vendor == "postgresql":
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        editor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):
    dependencies = [("classifier", "0008_encrypted_columns")]

    operations = [
        migrations.RunPython(encrypt, decrypt),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.UniqueConstraint(
                fields=("clinic", "mrn_index"), name="patient_unique_mrn_in_clinic"
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.CheckConstraint(
                condition=models.Q(("mrn_index", ""), _negated=True), name="patient_mrn_given"
            ),
        ),
    ]
