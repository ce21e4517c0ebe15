from __future__ import annotations

from django.db.models import TextChoices
from oauth2_provider.models import AbstractApplication


class ApplicationKind(TextChoices):
    """What an administrator says of a system; grant and client type follow from it."""

    SYSTEM = "system", "A system that acts by itself, as a service account"
    WEBSITE = "website", "A website on which people agree that it acts for them"
    DEVICE = "device", "An app on a person's device, which can't keep a secret"

    @property
    def is_for_people(self) -> bool:
        return self != ApplicationKind.SYSTEM

    @property
    def is_on_device(self) -> bool:
        return self == ApplicationKind.DEVICE

    @property
    def grant_type(self) -> str:
        if self.is_for_people:
            return str(AbstractApplication.GRANT_AUTHORIZATION_CODE)
        return str(AbstractApplication.GRANT_CLIENT_CREDENTIALS)

    @property
    def client_type(self) -> str:
        if self.is_on_device:
            return str(AbstractApplication.CLIENT_PUBLIC)
        return str(AbstractApplication.CLIENT_CONFIDENTIAL)
