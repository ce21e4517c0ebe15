"""Health and operation as a Django app."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "portal.operations.health"
    label = "health"

    def ready(self) -> None:
        from portal.operations.health import configuration  # noqa: F401, PLC0415 - registers the checks
