from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_session_epoch"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="retention_years",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
