from django.db import migrations, models

from portal.trust.common.immutability import allow_change, refuse_change

FINISHED = "OLD.state IN ('succeeded', 'rejected', 'failed', 'cancelled')"


class Migration(migrations.Migration):
    """What a network says the lesion could be; nothing of results from before, whose networks named none."""

    dependencies = [("classifier", "0024_predictive_value")]

    operations = [
        # SQLite rebuilds an altered table without its triggers.
        allow_change("classifier_prediction", when=FINISHED),
        migrations.AddField(
            model_name="prediction",
            name="diagnoses",
            field=models.JSONField(
                blank=True,
                help_text="What it could be, with the version of the labels; null of a network that names none.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("diagnoses__isnull", True),
                    models.Q(("calibrated_probability__isnull", False), ("state", "succeeded")),
                    _connector="OR",
                ),
                name="prediction_diagnoses_only_with_a_figure",
            ),
        ),
        refuse_change("classifier_prediction", when=FINISHED),
    ]
