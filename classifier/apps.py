from django.apps import AppConfig


class ClassifierConfig(AppConfig):
    name = "classifier"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # They connect themselves, and need the models.
        from classifier import receivers, worker_signals  # noqa: F401, PLC0415
        from classifier.audit_subjects import SUBJECTS  # noqa: PLC0415
        from classifier.webhooks import signing, transport  # noqa: F401, PLC0415
        from portal.audit.services import register_kinds  # noqa: PLC0415

        register_kinds(SUBJECTS)
