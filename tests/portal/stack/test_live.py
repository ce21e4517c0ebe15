"""Real processes: the stack starts and mends itself."""

import http.client
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

from portal.operations.stack.configuration import PROJECT

pytestmark = pytest.mark.stack
SEND = "from portal.celery import WAKE_UPS, app; app.send_task(WAKE_UPS[0])"


def test_second_start_on_the_same_folder_is_refused(live_stack):
    done = subprocess.run(
        [sys.executable, "-m", "portal.operations.stack", "run"],
        cwd=PROJECT,
        env=live_stack.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Dermaport already runs on" in done.stderr


@pytest.mark.parametrize("size", [10_000, 3_000_000])
def test_connection_goes_on_when_a_picture_was_refused_unread(live_stack, size):
    """Nobody is known by this token, so the body is never looked at."""
    address = urlsplit(live_stack.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.connect()
    first = connection.sock
    for _ in range(10):
        headers = {"Authorization": "Bearer nobody", "Content-Type": "image/jpeg"}
        connection.request("POST", "/api/v1/submissions/", b"x" * size, headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (401, "keep-alive")
        answer.read()
    assert connection.sock is first
    connection.close()


def test_killed_clock_comes_back(live_stack):
    """The web, the worker, its child and the broker are killed in tests/faults, the sender in webhooks/test_live."""
    live_stack.wait_back("beat", live_stack.kill("beat"))
    live_stack.wait_ready()


def test_worker_takes_messages_again_after_the_broker_died(live_stack):
    live_stack.wait_back("broker", live_stack.kill("broker"))
    live_stack.wait_ready()

    live_stack.manage("shell", "--no-imports", "-c", SEND)

    deadline = time.monotonic() + 60
    while live_stack.broker().exists("predictions", "unacked"):
        assert time.monotonic() < deadline, live_stack.read_log()[-4000:]
        time.sleep(0.1)


def test_static_files_are_served_compressed_and_for_ever(live_stack):
    with urllib.request.urlopen(f"{live_stack.url}/accounts/login/") as response:
        page = response.read().decode()
    start = page.index("/static/portal/css/")
    address = page[start : page.index('"', start)]
    request = urllib.request.Request(f"{live_stack.url}{address}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "immutable" in response.headers["Cache-Control"]


def test_data_folder_is_for_its_owner_only(live_stack):
    for name in ("secret_key", "run"):
        assert (live_stack.var / name).stat().st_mode & 0o077 == 0
