"""A clinic on a running stack, and its records system that submits over HTTP."""

import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import requests

from tests.support.live_stack import PROJECT, LiveStack

PASSWORD = "correct-horse-battery-staple"
CREATE = """
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.roles import Role
clinic = Clinic.objects.create(name={name!r})
for role in Role:
    user = User.objects.create_user(f"{{role.value}}@{domain}", {password!r}, full_name=role.label)
    Membership.objects.create(user=user, clinic=clinic, role=role)
"""


class LiveClinic:
    """Made anew at each call: one person in every role, `<role>@<domain>`."""

    def __init__(self, stack: LiveStack) -> None:
        self.stack = stack
        word = uuid.uuid4().hex[:8]
        self.name, self.domain = f"Clinic {word}", f"{word}.example"
        code = CREATE.format(name=self.name, domain=self.domain, password=PASSWORD)
        stack.manage("shell", "--no-imports", "-c", code)

    def log_in(self, role: str = "integration") -> requests.Session:
        """A session whose calls carry a fresh token of this person."""
        session = requests.Session()
        answer = session.post(
            f"{self.stack.url}/api/v1/token/",
            json={"email": f"{role}@{self.domain}", "password": PASSWORD},
            timeout=60,
        )
        assert answer.status_code in {200, 201}, answer.text
        session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return session

    def submit(self, session: requests.Session, *files: Path, key: str | None = None) -> dict[str, Any]:
        """Submit one case; tried again with its key, as a client does that lost the connection."""
        key = key or str(uuid.uuid4())
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = session.post(
                    f"{self.stack.url}/api/v1/submissions/",
                    data={
                        "patient_mrn": f"API-{key[:13]}",
                        "consents_to_inference": "true",
                        "body_site": "trunk_posterior_trunk_upper_back",
                        "laterality": "left",
                    },
                    files=[("images", (file.name, file.read_bytes(), "image/jpeg")) for file in files],
                    headers={"Idempotency-Key": key},
                    timeout=60,
                )
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                assert time.monotonic() < deadline, "the web did not come back"
                time.sleep(0.1)
                continue
            if (
                answer.status_code == requests.codes.conflict
                and answer.json()["code"] == "request_in_progress"
            ):
                # The web died over the first one: after half a minute its repetition takes over.
                assert time.monotonic() < deadline, "the first request never ended"
                time.sleep(int(answer.headers["Retry-After"]))
                continue
            assert answer.status_code in {200, 202}, answer.text
            body: dict[str, Any] = answer.json()
            return body

    def begin_folder(self, folder: Path, journal: Path, *options: str) -> subprocess.Popen[str]:
        """The command-line client at work on a folder of images, as the clinic's records system."""
        token = str(self.log_in().headers["Authorization"]).removeprefix("Bearer ")
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "classifier.client", "submit", str(folder), "--consent", "yes"),
                *("--journal", str(journal), "--quiet", *options),
            ],
            cwd=PROJECT,
            env={**self.stack.env, "DERMAPORT_URL": self.stack.url, "DERMAPORT_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submit_folder(self, folder: Path, journal: Path, *options: str) -> None:
        """Submit every image below the folder, each as a case of its own patient."""
        with self.begin_folder(folder, journal, *options) as client:
            _, told = client.communicate()
        assert client.returncode == 0, told
