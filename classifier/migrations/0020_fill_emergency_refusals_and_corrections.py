"""What was asked of the audit log until now: refused emergencies, and when a patient or lesion was corrected.

The events stay as they are.
"""

import uuid

from django.db import migrations
from django.db.models import Max

BATCH = 500


def fill_refusals(apps, editor):
    Refused = apps.get_model("classifier", "RefusedEmergency")
    Event = apps.get_model("audit", "AuditEvent")
    if Refused.objects.exists():
        return
    events = (
        Event.objects.filter(action="emergency.refused", actor__isnull=False)
        .order_by("occurred_at", "position")
        .values_list("actor", "chain__clinic", "occurred_at", "details")
    )
    # Each refusal stands in two chains; the one of the reader's own clinic is counted.
    Refused.objects.bulk_create(
        (
            Refused(user_id=actor, home_clinic_id=home, clinic_id=details["clinic"], refused_at=moment)
            for actor, home, moment, details in events.iterator(chunk_size=BATCH)
            if str(home) == details["home_clinic"]
        ),
        batch_size=BATCH,
    )


def fill_corrections(apps, editor):
    for name in ("patient", "lesion"):
        fill_corrections_of(name, apps.get_model("classifier", name), apps.get_model("audit", "AuditEvent"))


def fill_corrections_of(name, model, Event):
    last = (
        Event.objects.filter(object_type=f"classifier.{name}", action=f"{name}.updated")
        .order_by()
        .values("object_id")
        .annotate(last=Max("occurred_at"))
        .values_list("object_id", "last")
    )
    moments = {uuid.UUID(key): moment for key, moment in last}
    keys = list(moments)
    for start in range(0, len(keys), BATCH):
        rows = [model(pk=key, corrected_at=moments[key]) for key in keys[start : start + BATCH]]
        model.objects.bulk_update(rows, ["corrected_at"])


class Migration(migrations.Migration):
    dependencies = [
        ("classifier", "0019_emergency_refusals_and_corrections"),
        ("audit", "0003_anchors"),
    ]

    operations = [
        migrations.RunPython(fill_refusals, migrations.RunPython.noop),
        migrations.RunPython(fill_corrections, migrations.RunPython.noop),
    ]
