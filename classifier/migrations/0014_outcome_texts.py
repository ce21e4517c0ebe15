from django.db import migrations

from portal.trust.encryption.fields import EncryptedCharField, EncryptedTextField
from portal.trust.encryption.rows import decrypt_rows, encrypt_rows
from portal.trust.common.immutability import allow_change, refuse_change


def encrypt(apps, _):
    for _rows in encrypt_rows(apps.get_model("classifier", "Outcome")):
        pass


def decrypt(apps, _):
    decrypt_rows(apps.get_model("classifier", "Outcome"))


class Migration(migrations.Migration):
    """What histopathology wrote is encrypted, and an erasure may take it away."""

    dependencies = [
        ("common", "0001_initial"),
        ("classifier", "0013_request_counts"),
    ]

    operations = [
        allow_change("classifier_outcome"),
        migrations.AlterField(
            model_name="outcome",
            name="comment",
            field=EncryptedTextField(blank=True, max_length=4000),
        ),
        migrations.AlterField(
            model_name="outcome",
            name="correction_reason",
            field=EncryptedCharField(blank=True, max_length=500),
        ),
        refuse_change("classifier_outcome", may_bypass=True),
        migrations.RunPython(encrypt, decrypt),
    ]
