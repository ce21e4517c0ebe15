"""The product as one Django app."""

from django.apps import AppConfig


class ClassifierConfig(AppConfig):
    name = "classifier"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # They connect themselves, and need the models.
        from classifier.engine import worker  # noqa: F401, PLC0415
        from classifier.intake import idempotency  # noqa: F401, PLC0415
        from classifier.models.audit_subjects import SUBJECTS  # noqa: PLC0415
        from classifier.pages import emergency_session  # noqa: F401, PLC0415
        from classifier.webhooks import signing, transport  # noqa: F401, PLC0415
        from portal.trust.audit.services import register_kinds  # noqa: PLC0415

        register_kinds(SUBJECTS)
