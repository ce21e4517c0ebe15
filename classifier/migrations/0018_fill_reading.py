"""Readings from the audit events that held them: of each reader and case the first, which counted.

The events stay as they are.
"""

import uuid

from django.db import migrations

BATCH = 500


def fill(apps, editor):
    Reading, Event = apps.get_model("classifier", "Reading"), apps.get_model("audit", "AuditEvent")
    events = (
        Event.objects.filter(
            object_type="classifier.submission", action="submission.read_unseen", actor__isnull=False
        )
        .order_by("occurred_at", "position")
        .values_list("object_id", "actor", "occurred_at", "details")
    )
    # Begun again after an interruption it goes on: what is there already is left alone.
    known = set(Reading.objects.values_list("submission", "reader"))
    rows = []
    for case, reader, moment, details in events.iterator(chunk_size=BATCH):
        key = (uuid.UUID(case), reader)
        if key in known:
            continue
        known.add(key)
        # The question of that time asked for the diagnosis alone.
        rows.append(
            Reading(
                submission_id=key[0],
                reader_id=reader,
                read_at=moment,
                question=1,
                diagnosis=details["diagnosis"],
            )
        )
    Reading.objects.bulk_create(rows, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [
        ("classifier", "0017_reading"),
        ("audit", "0003_anchors"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
