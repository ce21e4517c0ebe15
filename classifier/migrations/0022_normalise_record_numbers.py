"""Record numbers from before they had one form: NFC, without characters that nobody sees.

Where the clinic has the number in that form already, the patient keeps the former one: two histories of one
person are joined by nobody but people, who find them in the list of patients ("Look-alike numbers"). The oldest of
several that come to one form gets it.
"""

from django.db import migrations

from classifier.domain.record_numbers import clean_mrn

READ_AT_ONCE = 2000


def normalise(apps, editor):
    Patient = apps.get_model("classifier", "Patient")
    rows = Patient.objects.using(editor.connection.alias)
    former = (
        rows.filter(erased_at__isnull=True).order_by("created_at", "id").values_list("pk", "clinic", "mrn")
    )
    changed = [
        (pk, clinic, clean)
        for pk, clinic, mrn in former.iterator(chunk_size=READ_AT_ONCE)
        if (clean := clean_mrn(mrn)) and clean != mrn
    ]
    for pk, clinic, clean in changed:
        if rows.filter(clinic=clinic, mrn=clean).exists():
            continue
        patient = rows.get(pk=pk)
        patient.mrn = clean
        patient.save(update_fields=["mrn", "mrn_index"])


class Migration(migrations.Migration):
    dependencies = [("classifier", "0021_webhook_signature")]

    operations = [migrations.RunPython(normalise, migrations.RunPython.noop)]
