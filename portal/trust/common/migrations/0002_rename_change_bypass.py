"""The class is called what it is; its table, which the triggers ask, keeps its name."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelTable(name="changeexcuse", table="common_changeexcuse"),
        migrations.RenameModel(old_name="ChangeExcuse", new_name="ChangeBypass"),
    ]
