from django.db import migrations, models

from portal.trust.common.immutability import allow_change, refuse_change

FINISHED = "OLD.state IN ('succeeded', 'rejected', 'failed', 'cancelled')"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("classifier", "0002_immutable_answers"),
    ]

    operations = [
        # SQLite rebuilds an altered table without its triggers.
        allow_change("classifier_prediction", when=FINISHED),
        migrations.RemoveConstraint(
            model_name="prediction",
            name="prediction_one_live_per_image_and_model",
        ),
        migrations.RemoveConstraint(
            model_name="prediction",
            name="prediction_succeeded_has_answer",
        ),
        migrations.RemoveConstraint(
            model_name="prediction",
            name="prediction_answer_only_when_succeeded",
        ),
        migrations.AddField(
            model_name="prediction",
            name="refusal_code",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="submissionimage",
            name="gate_figures",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="submissionimage",
            name="gate_refusals",
            field=models.JSONField(
                blank=True, default=list, help_text="Why it can't be judged: code and message, as said then."
            ),
        ),
        migrations.AddField(
            model_name="submissionimage",
            name="gate_version",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="submissionimage",
            name="gated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running", "succeeded"])),
                fields=("image", "model_version", "is_shadow"),
                name="prediction_one_live_per_image_and_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "succeeded"), _negated=True),
                    models.Q(
                        ("refusal_code", ""),
                        ("probability__gte", 0),
                        ("probability__isnull", False),
                        ("probability__lte", 1),
                        ("calibrated_probability__isnull", False),
                        ("calibrated_probability__gte", 0),
                        ("calibrated_probability__lte", 1),
                        ("outcome__in", ["benign", "malignant", "refer"]),
                        ("threshold_policy__isnull", False),
                    ),
                    models.Q(
                        models.Q(("refusal_code", ""), _negated=True),
                        ("outcome", "refer"),
                        ("calibrated_probability__isnull", True),
                        ("probability__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="prediction_succeeded_has_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "succeeded"),
                    models.Q(
                        ("calibrated_probability__isnull", True),
                        ("outcome", ""),
                        ("probability__isnull", True),
                        ("refusal_code", ""),
                    ),
                    _connector="OR",
                ),
                name="prediction_answer_only_when_succeeded",
            ),
        ),
        migrations.AddConstraint(
            model_name="submissionimage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("gate_version", ""), ("gated_at__isnull", True)),
                    models.Q(("gated_at__isnull", False), models.Q(("gate_version", ""), _negated=True)),
                    _connector="OR",
                ),
                name="image_gated_by_a_version",
            ),
        ),
        refuse_change("classifier_prediction", when=FINISHED),
        refuse_change("classifier_submissionimage", when="OLD.gated_at IS NOT NULL"),
    ]
