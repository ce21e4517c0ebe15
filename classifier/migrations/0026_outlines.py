import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from portal.trust.common.immutability import refuse_change


class Migration(migrations.Migration):
    dependencies = [
        ("classifier", "0025_diagnoses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutlineNetwork",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.SlugField(max_length=60)),
                ("version", models.CharField(max_length=30)),
                (
                    "file",
                    models.CharField(
                        help_text="File name in the folder outlines of the models folder.", max_length=120
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("specification", models.JSONField()),
                (
                    "lifecycle",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("shadow", "Shadow"),
                            ("active", "Active"),
                            ("retired", "Retired"),
                        ],
                        default="registered",
                        max_length=12,
                    ),
                ),
                ("registered_at", models.DateTimeField(auto_now_add=True)),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "version"), name="outlinenetwork_unique_name_version"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("lifecycle", "active")),
                        fields=("lifecycle",),
                        name="outlinenetwork_one_active",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lifecycle__in", ["registered", "active", "retired"])),
                        name="outlinenetwork_lifecycle_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Outline",
            fields=[
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("claim", models.UUIDField(blank=True, null=True)),
                ("worker", models.CharField(blank=True, max_length=120)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
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
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "points",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The polygon, [x, y] in 10,000ths of the picture's width and height.",
                    ),
                ),
                ("measures", models.JSONField(blank=True, default=dict)),
                ("milliseconds", models.FloatField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, max_length=40)),
                ("error_message", models.CharField(blank=True, max_length=300)),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outlines",
                        to="classifier.submissionimage",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "network",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outlines",
                        to="classifier.outlinenetwork",
                    ),
                ),
            ],
            options={
                "ordering": ["image", "requested_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")),
                        fields=["requested_at", "id"],
                        name="outline_queue",
                    ),
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["lease_until"],
                        name="outline_leases",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["queued", "running", "succeeded", "failed"])),
                        name="outline_state_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["queued", "running", "succeeded"])),
                        fields=("image", "network"),
                        name="outline_one_live_per_image_and_network",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("milliseconds__isnull", False), ("state", "succeeded")),
                            models.Q(
                                models.Q(("state", "succeeded"), _negated=True),
                                ("milliseconds__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="outline_drawn_only_when_succeeded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            models.Q(
                                ("attempt__gte", 1), ("claim__isnull", False), ("lease_until__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="outline_running_has_lease",
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
                        name="outline_finished_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True),
                            models.Q(("error_code", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="outline_failure_has_reason",
                    ),
                ],
            },
        ),
        refuse_change("classifier_outline", when="OLD.state IN ('succeeded', 'failed')", may_bypass=True),
    ]
