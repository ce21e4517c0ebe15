"""What every app stands on, as a Django app."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "portal.trust.common"
    label = "common"
