import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.trust.common.immutability import refuse_change


class Migration(migrations.Migration):
    dependencies = [
        ("classifier", "0016_fill_standing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("read_at", models.DateTimeField()),
                ("question", models.PositiveSmallIntegerField(default=1)),
                (
                    "diagnosis",
                    models.CharField(
                        choices=[
                            ("naevus", "Melanocytic naevus"),
                            ("melanoma", "Melanoma"),
                            ("basal_cell_carcinoma", "Basal cell carcinoma"),
                            ("squamous_cell_carcinoma", "Squamous cell carcinoma"),
                            ("actinic_keratosis", "Actinic keratosis or Bowen's disease"),
                            ("seborrhoeic_keratosis", "Seborrhoeic or other benign keratosis"),
                            ("dermatofibroma", "Dermatofibroma"),
                            ("vascular_lesion", "Vascular lesion"),
                            ("other_benign", "Other benign lesion"),
                            ("other_malignant", "Other malignant lesion"),
                            ("indeterminate", "Can't be told from the image"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "management",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_action", "No further action"),
                            ("follow_up", "Follow up with a new image"),
                            ("new_image", "Ask for a new image"),
                            ("see_in_person", "See the patient in person"),
                            ("biopsy", "Biopsy"),
                            ("excise", "Excise"),
                            ("urgent_referral", "Urgent cancer referral"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "confidence",
                    models.PositiveSmallIntegerField(blank=True, help_text="Percent, 0 to 100.", null=True),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="classifier.submission",
                    ),
                ),
            ],
            options={
                "ordering": ["submission", "read_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("submission", "reader"), name="reading_once_per_reader"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "diagnosis__in",
                                [
                                    "naevus",
                                    "melanoma",
                                    "basal_cell_carcinoma",
                                    "squamous_cell_carcinoma",
                                    "actinic_keratosis",
                                    "seborrhoeic_keratosis",
                                    "dermatofibroma",
                                    "vascular_lesion",
                                    "other_benign",
                                    "other_malignant",
                                    "indeterminate",
                                ],
                            ),
                            (
                                "management__in",
                                [
                                    "",
                                    "no_action",
                                    "follow_up",
                                    "new_image",
                                    "see_in_person",
                                    "biopsy",
                                    "excise",
                                    "urgent_referral",
                                ],
                            ),
                        ),
                        name="reading_words_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confidence__isnull", True), ("confidence__lte", 100), _connector="OR"
                        ),
                        name="reading_confidence_is_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("question__gte", 1)), name="reading_question_asked"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("question__gt", 1),
                            models.Q(("confidence__isnull", True), ("management", "")),
                            _connector="OR",
                        ),
                        name="reading_answers_its_question",
                    ),
                ],
            },
        ),
        refuse_change("classifier_reading"),
    ]
