import classifier.models.submission
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from portal.trust.common.immutability import refuse_change


class Migration(migrations.Migration):
    dependencies = [
        ("classifier", "0003_gates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Explanation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("requested_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Done"),
                            ("rejected", "Can't be judged"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("claim", models.UUIDField(blank=True, null=True)),
                ("worker", models.CharField(blank=True, max_length=120)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "overlay",
                    models.FileField(
                        blank=True,
                        max_length=200,
                        storage=classifier.models.submission.derived_storage,
                        upload_to="",
                    ),
                ),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("error_code", models.CharField(blank=True, max_length=40)),
                ("error_message", models.CharField(blank=True, max_length=300)),
                (
                    "prediction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="explanations",
                        to="classifier.prediction",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["prediction", "requested_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")),
                        fields=["requested_at", "id"],
                        name="explanation_queue",
                    ),
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["lease_until"],
                        name="explanation_leases",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["queued", "running", "succeeded", "failed"])),
                        name="explanation_state_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["queued", "running", "succeeded"])),
                        fields=("prediction",),
                        name="explanation_one_live_per_prediction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "succeeded"), models.Q(("overlay", ""), _negated=True)),
                            models.Q(models.Q(("state", "succeeded"), _negated=True), ("overlay", "")),
                            _connector="OR",
                        ),
                        name="explanation_overlay_only_when_succeeded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            models.Q(
                                ("attempt__gte", 1), ("claim__isnull", False), ("lease_until__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="explanation_running_has_lease",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("state__in", ["cancelled", "failed", "rejected", "succeeded"]),
                            ),
                            models.Q(("finished_at__isnull", True), ("state__in", ["queued", "running"])),
                            _connector="OR",
                        ),
                        name="explanation_finished_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True),
                            models.Q(("error_code", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="explanation_failure_has_reason",
                    ),
                ],
            },
        ),
        refuse_change("classifier_explanation", when="OLD.state IN ('succeeded', 'failed')"),
    ]
