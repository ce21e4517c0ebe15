from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class KeptForm(models.Model):
    """What somebody sent after idleness had ended their session: sealed, theirs alone, for a short while.

    One a person: the next replaces it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kept_form")
    # Where it was sent to. Addresses hold ids alone.
    path = models.CharField(max_length=500)
    sealed = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)
