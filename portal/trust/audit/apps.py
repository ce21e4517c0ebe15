"""The audit log as a Django app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "portal.trust.audit"
    label = "audit"

    def ready(self) -> None:
        from portal.trust.audit import receivers  # noqa: F401, PLC0415 (log-in events)
