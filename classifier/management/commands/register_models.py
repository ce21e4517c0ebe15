"""Command `register_models`: every network in the models folder."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from classifier.domain.errors import ServiceError
from classifier.models import ModelVersion
from classifier.registry.outlines import register_shipped_outline_networks
from classifier.registry.versions import find_newer_default, register_shipped_models


class Command(BaseCommand):
    help = "Register the networks in the models folder; activate the default if none is active."

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            versions = register_shipped_models()
            networks = register_shipped_outline_networks()
        except (ServiceError, ValueError) as error:
            raise CommandError(str(error)) from error
        for version in versions:
            self.stdout.write(f"{version}: {version.get_lifecycle_display().lower()}")
        for network in networks:
            self.stdout.write(f"{network}, outlines: {network.get_lifecycle_display().lower()}")
        if newer := find_newer_default():
            active = ModelVersion.objects.active().get()
            self.stdout.write(
                f"{newer} is newer and not in use; {active} goes on serving. "
                "An operator activates it on the Models page."
            )
        if not versions:
            raise CommandError("The models folder holds no specification (*.json).")
