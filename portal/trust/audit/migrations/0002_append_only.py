from django.db import migrations

from portal.trust.common.immutability import refuse_change


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [refuse_change("audit_auditevent")]
