"""Forms that came after their session had ended are not kept any more.

What still lies here is what somebody without script sent in the last hour: nothing of it was ever
submitted or signed.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_user_closed_by")]

    operations = [migrations.DeleteModel(name="KeptForm")]
