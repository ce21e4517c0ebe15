"""Works out again what every case, lesion and patient is held for, since the rule changed.

An order stands before a benign answer of the same lesion or patient, and the newest specimen decides even
where it was inconclusive. Each batch is a transaction of its own: stopped half-way, the migration is run
again and goes on, and what was written already stays.
"""

from django.db import migrations, transaction

from classifier.standing.columns import Tables, refresh_everything


def refresh_columns(apps, editor):
    steps = refresh_everything(Tables.load(apps))
    while True:
        with transaction.atomic():
            if next(steps, None) is None:
                break


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("classifier", "0022_normalise_record_numbers")]

    operations = [migrations.RunPython(refresh_columns, migrations.RunPython.noop)]
