from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_api_token"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="kind",
            field=models.CharField(
                choices=[("person", "Person"), ("service", "Service account")], default="person", max_length=8
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["person", "service"])), name="user_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "service"), _negated=True),
                    models.Q(
                        ("email__endswith", "@service.invalid"),
                        ("is_staff", False),
                        ("is_superuser", False),
                        ("password__startswith", "!"),
                    ),
                    _connector="OR",
                ),
                name="user_service_cannot_log_in",
            ),
        ),
    ]
