from django.db import migrations, models


class Migration(migrations.Migration):
    """Endpoints that are there already go on with the former header; new ones follow Standard Webhooks."""

    dependencies = [
        ("classifier", "0020_fill_emergency_refusals_and_corrections"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookendpoint",
            name="signature_scheme",
            field=models.CharField(max_length=8, default="former"),
        ),
        migrations.AlterField(
            model_name="webhookendpoint",
            name="signature_scheme",
            field=models.CharField(
                choices=[
                    ("standard", "Standard Webhooks"),
                    ("former", "Dermaport-Signature"),
                    ("changing", "Standard Webhooks, and Dermaport-Signature with the former secret"),
                ],
                default="standard",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("signature_scheme__in", ["standard", "former", "changing"])),
                name="webhook_signature_scheme_known",
            ),
        ),
    ]
