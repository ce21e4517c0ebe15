"""Tells what every figure is worth where malignant lesions are as common as in its clinic.

Finished results keep their figures and get the columns beside them, by the setting that their clinic has now: the
triggers against changes stand aside meanwhile. None of them knew how far its picture was from what was learned.
"""

from django.db import migrations, models

from classifier.engine.serving import Judgement, SpecificationError
from classifier.engine.run import weigh
from portal.trust.accounts.models import Clinic
from portal.trust.common.immutability import allow_change, refuse_change

FINISHED = "OLD.state IN ('succeeded', 'rejected', 'failed', 'cancelled')"
BATCH = 500


def fill_worth(apps, editor):
    predictions = apps.get_model("classifier", "Prediction")
    judged = predictions.objects.filter(state="succeeded", refusal_code="")
    versions = {row.pk: row for row in apps.get_model("classifier", "ModelVersion").objects.all()}
    # The property reads fields alone.
    clinics = {
        row.pk: Clinic.prevalence.fget(row) for row in apps.get_model("accounts", "Clinic").objects.all()
    }
    columns = ("prevalence", "predictive_value", "predictive_low", "predictive_high")
    last = None
    while True:
        rows = judged.filter(pk__gt=last) if last else judged
        batch = list(
            rows.order_by("pk")
            .select_related("image")
            .only(
                *(
                    "probability",
                    "calibrated_probability",
                    "outcome",
                    "model_version",
                    "image",
                    "image__clinic",
                ),
                *columns,
            )[:BATCH]
        )
        if not batch:
            break
        for row in batch:
            judgement = Judgement(row.probability, row.calibrated_probability, row.outcome)
            prevalence = clinics[row.image.clinic_id]
            try:
                worth = weigh(versions[row.model_version_id], judgement, prevalence=prevalence)
            except SpecificationError:
                # Registered by rules that hold no more: it can't tell what its figures are worth.
                worth = {"prevalence": prevalence}
            for name, value in worth.items():
                setattr(row, name, value)
        predictions.objects.bulk_update(batch, columns, batch_size=100)
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_clinic_prevalence"),
        ("classifier", "0023_refresh_standing"),
    ]

    operations = [
        # SQLite rebuilds an altered table without its triggers.
        allow_change("classifier_prediction", when=FINISHED),
        migrations.AddField(
            model_name="prediction",
            name="distance",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="prediction",
            name="is_far",
            field=models.BooleanField(
                default=False, help_text="Referred because of its distance, whatever its probability."
            ),
        ),
        *(
            migrations.AddField(
                model_name="prediction", name=name, field=models.FloatField(blank=True, null=True)
            )
            for name in ("prevalence", "predictive_value", "predictive_low", "predictive_high")
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_far", False),
                    models.Q(
                        ("distance__isnull", False),
                        ("outcome", "refer"),
                        ("predictive_value__isnull", True),
                        ("refusal_code", ""),
                        ("state", "succeeded"),
                    ),
                    _connector="OR",
                ),
                name="prediction_far_is_referred",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("predictive_value__isnull", True),
                    models.Q(
                        ("predictive_value__gte", 0),
                        ("predictive_value__lte", 1),
                        ("prevalence__gt", 0),
                        ("prevalence__isnull", False),
                        ("prevalence__lt", 1),
                        ("probability__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="prediction_figure_has_prevalence",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("predictive_high__isnull", True), ("predictive_low__isnull", True)),
                    models.Q(
                        ("predictive_high__gte", models.F("predictive_value")),
                        ("predictive_high__isnull", False),
                        ("predictive_high__lte", 1),
                        ("predictive_low__gte", 0),
                        ("predictive_low__isnull", False),
                        ("predictive_low__lte", models.F("predictive_value")),
                        ("predictive_value__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="prediction_figure_within_its_range",
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="type",
            field=models.CharField(
                choices=[
                    ("prediction.succeeded", "The model judged an image"),
                    ("prediction.refused", "The model can't judge an image, or it refers it"),
                    ("prediction.failed", "An image has no result"),
                    ("review.signed", "A review was signed"),
                    ("review.amended", "A review was amended"),
                    ("webhook.test", "Test"),
                ],
                max_length=24,
            ),
        ),
        migrations.RunPython(fill_worth, migrations.RunPython.noop),
        refuse_change("classifier_prediction", when=FINISHED),
    ]
