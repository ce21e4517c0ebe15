"""Which clinic closed a log-in: from the audit events of the clinics, where it stood until now.

The newest of closing and opening again decides; a log-in that is open, or that somebody else closed,
has none.
"""

import django.db.models.deletion
from django.db import migrations, models


def fill(apps, editor):
    User, Event = apps.get_model("accounts", "User"), apps.get_model("audit", "AuditEvent")
    events = Event.objects.filter(object_type="accounts.user", chain__clinic__isnull=False)
    for person in User.objects.filter(is_active=False).order_by("pk"):
        last = (
            events.filter(object_id=str(person.pk), action__in=["user.closed", "user.reopened"])
            .order_by("-occurred_at", "-position")
            .values_list("action", "chain__clinic")
            .first()
        )
        if last and last[0] == "user.closed":
            User.objects.filter(pk=person.pk).update(closed_by=last[1])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_clinic_targets"),
        ("audit", "0003_anchors"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.clinic",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("closed_by__isnull", True), ("is_active", False), _connector="OR"),
                name="user_closed_by_while_closed",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
