"""App of the common ground."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "portal.trust.common"
    label = "common"
