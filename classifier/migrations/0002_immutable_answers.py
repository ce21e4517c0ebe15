from django.db import migrations

from portal.trust.common.immutability import refuse_change


class Migration(migrations.Migration):
    dependencies = [("classifier", "0001_initial")]

    operations = [
        refuse_change("classifier_review"),
        refuse_change(
            "classifier_prediction",
            when="OLD.state IN ('succeeded', 'rejected', 'failed', 'cancelled')",
        ),
    ]
