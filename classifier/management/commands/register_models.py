from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier.inference import SpecificationError
from classifier.services.errors import ServiceError
from classifier.services.model_versions import register_shipped_models


class Command(BaseCommand):
    help = "Register the networks in the models folder; activate the default if none is active."

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            versions = register_shipped_models()
        except (ServiceError, SpecificationError) as error:
            raise CommandError(str(error)) from error
        for version in versions:
            self.stdout.write(f"{version}: {version.get_lifecycle_display().lower()}")
        if not versions:
            raise CommandError("The models folder holds no specification (*.json).")
