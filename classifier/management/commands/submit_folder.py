from __future__ import annotations

import contextlib
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from classifier.gate_words import name_refusal
from classifier.models import Prediction
from classifier.services.errors import ServiceError
from classifier.services.folders import ANSWERS, FolderFile, Sent, list_folder, submit_files
from classifier.states import UNFINISHED
from portal.accounts.models import Clinic, Membership, User
from portal.accounts.roles import ROLES_ALLOWED, Action

POLL_SECONDS = 0.5
STUCK_SECONDS = 600.0


class Command(BaseCommand):
    help = (
        "Send a folder of images as submissions, one each. Ctrl-C stops it; run it again to go "
        "on: no file is submitted twice in a clinic."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--clinic", required=True, help="name or id of the clinic")
        parser.add_argument("--submitter", default="", help="e-mail of a member who may submit")
        parser.add_argument(
            "--manifest", type=Path, help="CSV: file, mrn, birth_date, sex, consents_to_inference …"
        )
        parser.add_argument("--mrn-prefix", default="FOLDER-", help="for files whose patient is not given")
        parser.add_argument(
            "--consent",
            choices=("yes", "no"),
            help="what every new patient said of being judged by a model, unless the manifest says it",
        )
        parser.add_argument("--wait", action="store_true", help="wait for every result")

    def handle(self, *_: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        clinic = _find_clinic(options["clinic"])
        actor = _find_submitter(clinic, options["submitter"])
        try:
            files = list_folder(folder, options["manifest"])
        except (ServiceError, OSError) as error:
            raise CommandError(str(error)) from error
        if not files:
            raise CommandError(f"{folder} holds no image (JPEG, PNG, WebP, TIFF, HEIC, DICOM).")
        try:
            sent = self._submit(actor, clinic, files, options)
            if options["wait"]:
                self._wait(sent)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to go on.") from None
        except (ServiceError, PermissionDenied) as error:
            raise CommandError(str(error)) from error
        refused = [result for result in sent if result.verdict == "refused"]
        if refused:
            raise CommandError(f"{len(refused)} of {len(sent)} files were refused (named above).")

    def _submit(
        self, actor: User, clinic: Clinic, files: list[FolderFile], options: dict[str, Any]
    ) -> list[Sent]:
        sent: list[Sent] = []
        count: Counter[str] = Counter()
        results = submit_files(
            actor=actor,
            clinic=clinic,
            files=files,
            mrn_prefix=options["mrn_prefix"],
            consents_to_inference=ANSWERS[options["consent"] or ""],
        )
        with tqdm(total=len(files), unit="image", desc="Submitting") as bar:
            for result in results:
                sent.append(result)
                count[result.verdict] += 1
                if result.verdict == "refused":
                    bar.write(f"{result.file.path}: {result.reason}")
                bar.set_postfix(count)
                bar.update()
        self.stdout.write(
            f"{count['submitted']} submitted, {count['known']} submitted before, {count['refused']} refused."
        )
        return sent

    def _wait(self, sent: list[Sent]) -> None:
        ids = [result.submission.pk for result in sent if result.submission]
        rows = Prediction.objects.served().filter(image__submission__in=ids)
        total = rows.count()
        moved = time.monotonic()
        with tqdm(total=total, unit="image", desc="Judging") as bar:
            while (left := rows.filter(state__in=UNFINISHED).count()) > 0:
                if total - left > bar.n:
                    moved = time.monotonic()
                bar.update(total - left - bar.n)
                if time.monotonic() - moved > STUCK_SECONDS:
                    raise CommandError(f"No result for {STUCK_SECONDS:.0f} s. Is a worker running?")
                time.sleep(POLL_SECONDS)
            bar.update(total - bar.n)
        states = Counter(
            f"refused ({name_refusal(code).lower()})" if code else f"{state} {outcome}".rstrip()
            for state, outcome, code in rows.order_by().values_list("state", "outcome", "refusal_code")
        )
        self.stdout.write(", ".join(f"{n} {what}" for what, n in sorted(states.items())) + ".")


def _find_clinic(name_or_id: str) -> Clinic:
    clinic = Clinic.objects.filter(name__iexact=name_or_id).first()
    if clinic is None:
        with contextlib.suppress(ValueError):
            clinic = Clinic.objects.filter(pk=uuid.UUID(name_or_id)).first()
    if clinic is None:
        names = ", ".join(Clinic.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"No clinic is called {name_or_id}. There are: {names}.")
    return clinic


def _find_submitter(clinic: Clinic, email: str) -> User:
    members = (
        Membership.objects.active()
        .filter(clinic=clinic, role__in=ROLES_ALLOWED[Action.SUBMIT], user__is_active=True)
        .select_related("user")
    )
    if email:
        members = members.filter(user__email__iexact=email)
    member = members.order_by("created_at").first()
    if member is None:
        who = f"{email} is not a member of {clinic} who" if email else f"Nobody in {clinic}"
        raise CommandError(f"{who} may submit. Name one with --submitter.")
    return member.user
