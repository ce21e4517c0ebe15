"""Command `rotate_encryption`: bring what is sealed under the first key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.trust.encryption.keys import DecryptionError
from portal.trust.encryption.rotation import RESEALERS, encrypt_files
from portal.trust.encryption.rows import encrypt_rows, encrypted_models, select_stale
from portal.trust.encryption.sealed import LostSealError


class Command(BaseCommand):
    help = (
        "Encrypt every text, file and secret that is plain, or under another key, under the first key of "
        "DERMAPORT_ENCRYPTION_KEYS. May be stopped and begun again; the site can run meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="rows in one transaction")
        parser.add_argument("--plain-files", action="store_true", help="store the files plain instead")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if not options["plain_files"]:
                self._encrypt_rows(options["batch"])
                self._reseal()
            files = sum(self._rewrite_files(to_plain=options["plain_files"]))
        except LostSealError as error:
            raise CommandError(f"{error}. Put the former SECRET_KEY there.") from error
        except DecryptionError as error:
            raise CommandError(f"{error}. Put the key it was written with back, after the first.") from error
        self.stdout.write(f"Done: {files:,} files written anew.")

    def _encrypt_rows(self, batch: int) -> None:
        for model in encrypted_models():
            name = model._meta.verbose_name_plural  # noqa: SLF001 (Django's documented way)
            todo, done = select_stale(model).count(), 0
            for count in encrypt_rows(model, batch=batch):
                done += count
                self.stdout.write(f"{name}: {done:,} of {todo:,}")

    def _reseal(self) -> None:
        for words, reseal in RESEALERS.items():
            self.stdout.write(f"{words}: {reseal():,} sealed anew")

    def _rewrite_files(self, *, to_plain: bool) -> Any:
        for name, looked_at, written in encrypt_files(to_plain=to_plain):
            self.stdout.write(f"{name}: {looked_at:,} looked at, {written:,} written anew")
            yield written
